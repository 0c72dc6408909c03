"""The records of audiences that hold an address."""

from __future__ import annotations

import pytest

from campaigns import people as records
from campaigns.models import Audience, AudienceMember
from omnichannel import erasing, people
from tests.factories import NOW
from tests.factories_audience import make_member
from tests.factories_campaigns import make_people

pytestmark = pytest.mark.django_db
ANA = people.parse("ana@example.com")


@pytest.mark.parametrize(
    "values",
    [
        {"key": "ana@example.com", "email": "Ana@example.com"},
        {"key": "customer 7", "email": "ana@example.com"},
        {"key": "customer 7", "email": "ANA@Example.com"},
        {"key": "ana@example.com", "email": ""},
    ],
)
def test_record_is_found_however_it_holds_the_address(values):
    mine = make_member(make_people([]), **values)
    make_member(make_people(["nana@example.com"]), key="x", email="ben@example.com")

    assert list(records.records_of(ANA)) == [mine]


def test_record_is_found_by_its_phone_number():
    mine = make_member(
        make_people([]), key="customer 7", email="a@example.com", phone="+12025550143"
    )
    also = make_member(make_people([]), key="+12025550143", email="", phone="+12025550143")

    assert set(records.records_of(people.parse("(202) 555-0143"))) == {mine, also}


def test_erasing_deletes_the_records_and_keeps_the_counts_right(monkeypatch, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(records, "PAGE", 1)
    make_people(["ana@example.com", "ben@example.com"])
    make_people(["Ana@example.com", "cleo@example.com"])

    done = erasing.erase(ANA, keep_barred=True, at=NOW)

    assert done.others["audience record"] == 2
    assert set(AudienceMember.objects.values_list("email", flat=True)) == {
        "ben@example.com",
        "cleo@example.com",
    }
    assert list(Audience.objects.values_list("records_count", flat=True)) == [1, 1]
