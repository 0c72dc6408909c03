from __future__ import annotations

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import members
from campaigns.members import remove_members, starting_with
from campaigns.models import Audience, AudienceMember
from campaigns.resources import export_lines
from tests.factories_audience import imported, make_audience, make_member

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def exported(audience: Audience) -> list[list[str]]:
    text = b"".join(export_lines(audience)).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_search_finds_beginnings_in_any_case():
    audience = make_audience()
    ana = make_member(audience, email="Ana_x@example.com", phone="+12025550101")
    make_member(audience, email="anax@example.com", phone="+442079460102")

    for text in ("ana_", "ANA_", "Ana_x", "+1202"):
        assert list(starting_with(audience.members.all(), text)) == [ana]


def test_search_walks_along_indexes():
    audience = make_audience()

    with CaptureQueriesContext(connection) as queries:
        list(starting_with(audience.members.all(), "ana"))

    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            plans = [cursor.execute(f"EXPLAIN QUERY PLAN {q['sql']}").fetchall() for q in queries]
        used = [
            name for name in ("once", "email", "phone") for plan in plans[:4] if name in plan[0][3]
        ]
        assert used == ["once", "once", "email", "phone"]


def test_removing_records_keeps_the_count_right():
    audience = make_audience()
    make_member(audience)
    gone = make_member(audience)

    remove_members(AudienceMember.objects.filter(pk=gone.pk))

    audience.refresh_from_db()
    assert audience.records_count == 1


def test_an_export_has_all_columns_and_no_formulas():
    audience = make_audience(columns=["name", "city"])
    make_member(audience, email="a@example.com", phone="+12025550101", variables={"name": "=1+1"})

    assert exported(audience) == [
        ["email", "phone", "name", "city"],
        ["a@example.com", "'+12025550101", "'=1+1", ""],
    ]


def test_what_was_exported_imports_as_it_was():
    audience = make_audience(columns=["name"])
    values = ["=1+1", "'=1+1", "@x", "-5", 'say "hi",\nthen go', "Zoë", "O'Neil"]
    for value in values:
        make_member(audience, phone="+12025550101", variables={"name": value})
    before = set(audience.members.values_list("key", "email", "phone", "variables__name"))

    row = imported(b"".join(export_lines(audience)), encoding="utf-8")

    after = set(row.audience.members.values_list("key", "email", "phone", "variables__name"))
    assert after == before
    assert row.rejected == 0


def test_an_export_reads_in_pages(monkeypatch):
    monkeypatch.setattr(members, "PAGE", 10)
    audience = make_audience()
    AudienceMember.objects.bulk_create(
        AudienceMember(audience=audience, key=f"k{n}", email=f"k{n}@example.com") for n in range(25)
    )

    with CaptureQueriesContext(
        connection,
    ) as queries:
        rows = exported(audience)

    assert len(rows) == 26
    assert len(queries) == 4
