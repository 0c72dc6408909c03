"""Consents as operators see, add, import and export them."""

from __future__ import annotations

import datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from omnichannel.consents import Proof, give, latest, withdraw
from omnichannel.models import Consent
from tests.factories import NOW
from tests.omnichannel.admin.posted import client_with, errors_of

pytestmark = pytest.mark.django_db
PAGE = "/admin/omnichannel/consent/"


def add(client, **values):
    values = {
        "channel_type": "email",
        "address": "Ana@Example.com",
        "category": "promotional",
        "is_granted": "on",
        "at_0": "2026-01-02",
        "at_1": "03:04",
        **values,
    }
    return client.post(f"{PAGE}add/", values)


def test_added_consent_counts(admin_client):
    response = add(admin_client, wording="Write to me about offers.")

    row = Consent.objects.get()
    assert response.status_code == 302
    assert (row.address, row.wording) == ("ana@example.com", "Write to me about offers.")
    assert latest("email", "promotional", ["ana@example.com"]) == {"ana@example.com": True}


def test_withdrawal_is_a_row_of_its_own(admin_client):
    give("email", "ana@example.com", "promotional", Proof(at=NOW - datetime.timedelta(days=1)))

    add(admin_client, is_granted="", at_0="2026-03-02", at_1="12:00")

    assert Consent.objects.count() == 2
    assert latest("email", "promotional", ["ana@example.com"]) == {"ana@example.com": False}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"address": "nonsense"}, "address"),
        ({"at_0": "2099-01-01"}, "at"),
        ({"category": ""}, "category"),
        ({"source": "x" * 121}, "source"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(admin_client, values, field):
    response = add(admin_client, **values)

    assert field in errors_of(response)
    assert not Consent.objects.exists()


def test_list_tells_given_from_withdrawn(admin_client):
    give("email", "a@example.com", "promotional", Proof(at=NOW))
    withdraw("email", "b@example.com", "promotional", Proof(at=NOW))

    page = admin_client.get(PAGE).content.decode()
    given = admin_client.get(PAGE, {"is_granted__exact": "1"}).context["cl"].result_list

    assert "Given" in page
    assert "Withdrawn" in page
    assert [row.address for row in given] == ["a@example.com"]


def test_the_page_of_a_consent_says_in_words_what_was_said(admin_client):
    withdraw("email", "ana@example.com", "promotional", Proof(at=NOW))

    page = admin_client.get(f"{PAGE}{Consent.objects.get().pk}/change/").content.decode()

    assert "Withdrawn" in page
    assert "False" not in page
    assert "took their consent back" not in page


def test_what_was_said_is_neither_edited_nor_deleted(admin_client):
    row = give("email", "a@example.com", "promotional", Proof(at=NOW, ip="192.0.2.7"))

    page = admin_client.get(f"{PAGE}{row.pk}/change/").content.decode()

    assert "192.0.2.7" in page
    assert admin_client.post(f"{PAGE}{row.pk}/change/", {"source": "x"}).status_code == 403
    assert admin_client.post(f"{PAGE}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_imported_table_takes_the_form_for_what_it_does_not_say(admin_client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    file = SimpleUploadedFile("list.csv", b"a@example.com\nb@example.com\n")

    page = admin_client.post(
        f"{PAGE}import/", {"file": file, "category": "transactional", "source": "Fair"}
    ).content.decode()

    assert "Imported" in page
    assert set(Consent.objects.values_list("category", "source")) == {("transactional", "Fair")}
    assert Consent.objects.filter(at__lte=timezone.now()).count() == 2


@pytest.mark.parametrize("url", ["import/", "import/sample/", "export_table/", "add/"])
def test_each_way_in_and_out_needs_its_permission(url):
    assert client_with("view_consent").get(f"{PAGE}{url}").status_code == 403
