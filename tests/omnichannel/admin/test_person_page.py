"""The page of an address: what is shown to whom, its export, its erasing."""

from __future__ import annotations

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from omnichannel import people
from omnichannel.consents import Proof, give
from omnichannel.models import Message, MessageEvent, Suppression
from tests.factories import NOW, make_message, make_provider
from tests.factories_campaigns import make_people
from tests.omnichannel.admin.posted import SUBMITTED, client_with

pytestmark = pytest.mark.django_db
PAGE = "/admin/omnichannel/person/"
ANA = "ana@example.com"


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    settings.MEDIA_ROOT = settings.VAR_DIR = tmp_path


@pytest.fixture
def everything():
    provider = make_provider()
    message = make_message(provider=provider, to_address="Ana@example.com", subject="Spring sale")
    make_message(provider=provider, to_address="ben@example.com", cc_addresses=ANA)
    MessageEvent.objects.create(
        message=message, provider=provider, type="clicked", at=NOW, url="https://example.com/shop"
    )
    Suppression.objects.create(channel_type="email", address=ANA, note="By letter")
    give("email", ANA, "promotional", Proof(at=NOW, wording="Yes, write to me."))
    make_people(["Ana@example.com"], name="Friends")
    return message


def look_up(client, text=ANA, **values):
    return client.get(PAGE, {"a": text, **values})


def test_page_shows_everything_across_tables(admin_client, everything):
    page = look_up(admin_client, "ANA@example.com").content.decode()

    for text in (
        "Spring sale",
        "copy; to ben@example.com",
        "https://example.com/shop",
        "By letter",
        "Yes, write to me.",
        "Friends",
    ):
        assert text in page


def test_page_shows_only_what_the_viewer_may_see_elsewhere(everything):
    client = client_with("view_person", "view_consent")

    page = look_up(client).content.decode()

    assert "Yes, write to me." in page
    assert not [text for text in ("Spring sale", "By letter", "Friends", "/shop") if text in page]
    assert "Erase" not in page
    assert "Export" not in page


@pytest.mark.parametrize(
    "text", ["", "a" * 5_000, "a\0b", "a\nb", "<script>alert(1)</script>", "%", "'; --", "\u202e"]
)
def test_whatever_is_typed_is_answered(admin_client, text):
    response = look_up(admin_client, text)

    assert response.status_code == 200
    assert "<script>alert(1)" not in response.content.decode()


def test_what_is_stored_is_never_run(admin_client):
    evil = "<img src=x onerror=alert(1)>@example.com"
    message = make_message(to_address=evil, subject="<script>alert(2)</script>")
    MessageEvent.objects.create(
        message=message,
        provider=message.provider,
        type="clicked",
        at=NOW,
        url="javascript:alert(3)",
    )

    page = look_up(admin_client, evil).content.decode()

    assert "&lt;img src=x" in page
    assert "<img src=x" not in page
    assert "<script>alert(2)" not in page
    assert 'href="javascript' not in page


def test_page_asks_no_more_when_there_is_more(admin_client):
    provider = make_provider()

    def count():
        with CaptureQueriesContext(connection) as queries:
            look_up(admin_client)
        return len(queries)

    for number in range(30):
        message = make_message(provider=provider, to_address=ANA)
        MessageEvent.objects.create(message=message, provider=provider, type="sent", at=NOW)
        if number == 2:
            few = count()

    assert count() <= few + 2  # what every page asks now and then


def test_older_messages_are_on_further_pages(admin_client):
    provider = make_provider()
    for number in range(30):
        make_message(provider=provider, to_address=ANA, subject=f"No {number:02}")

    first = look_up(admin_client).content.decode()
    second = look_up(admin_client, messages="2").content.decode()
    junk = look_up(admin_client, messages="none").status_code

    assert "No 29" in first
    assert "No 04" not in first
    assert "No 04" in second
    assert junk == 200


def test_other_pages_lead_here(admin_client, everything):
    suppression = Suppression.objects.get()
    target = f"{PAGE}?a=ana%40example.com"

    from_message = admin_client.get(f"/admin/omnichannel/message/{everything.pk}/person/")
    from_row = admin_client.get(f"/admin/omnichannel/suppression/{suppression.pk}/person/")
    listed = admin_client.get("/admin/omnichannel/message/", {"q": ANA}).content.decode()

    assert from_message.headers["Location"] == f"{PAGE}?a=Ana%40example.com"
    assert from_row.headers["Location"] == target
    assert f'href="{target}"' in listed


def test_export_is_a_download_of_all_of_it(admin_client, everything):
    response = admin_client.get(f"{PAGE}export/", {"a": ANA})

    found = json.loads(response.getvalue())
    assert response.headers["Content-Disposition"] == 'attachment; filename="person.json"'
    assert "no-store" in response.headers["Cache-Control"]
    assert len(found["messages"]) == 2
    assert found["audience_records"][0]["audience__name"] == "Friends"
    assert ANA not in LogEntry.objects.get().object_repr


def erase(client, typed=ANA, **values):
    return client.post(f"{PAGE}erase/?a={ANA}", {**SUBMITTED, "typed": typed, **values})


def test_dialog_says_what_will_happen(admin_client, everything):
    make_message(to_address=ANA, status="sending")

    page = admin_client.get(f"{PAGE}erase/?a={ANA}").content.decode()

    assert "1 waiting message cancelled" in page
    assert "2 messages emptied" in page
    assert "CC and BCC of 1 message" in page
    assert "1 audience record deleted" in page
    assert "1 message being sent right now" in page
    assert Message.objects.filter(to_address=ANA).exists()


@pytest.mark.parametrize("typed", ["", "ana@example.co", "a" * 500, "a\0b"])
def test_another_address_typed_erases_nothing(admin_client, everything, typed):
    response = erase(admin_client, typed)

    assert "HX-Redirect" not in response.headers
    assert Message.objects.filter(to_address="Ana@example.com").exists()


def test_erasing_is_noted_without_the_address(admin_client, everything, caplog):
    caplog.set_level("INFO")

    response = erase(admin_client, " ANA@example.com ", keep_barred="on")

    entry = LogEntry.objects.get()
    page = look_up(admin_client).content.decode()
    assert response.headers["HX-Redirect"] == f"{PAGE}?a=ana%40example.com"
    assert entry.object_repr == f"Address {people.parse(ANA).seal}"
    assert "message: 1" in entry.change_message
    assert "audience record: 1" in entry.change_message
    assert "ana" not in f"{entry.object_repr}{entry.change_message}{caplog.text}".lower()
    assert f"admin: {entry.change_message}" in page
    assert Suppression.objects.in_force().filter(address=ANA).exists()


def test_erased_message_says_so_on_its_page(admin_client, everything):
    erase(admin_client)

    everything.refresh_from_db()
    for page in ("change", "shown"):
        url = f"/admin/omnichannel/message/{everything.pk}/{page}/"
        assert admin_client.get(url).status_code == 200
    assert everything.error_message.startswith("Erased")


def test_choice_takes_the_address_off_the_suppression_list(admin_client, everything):
    erase(admin_client)

    assert not Suppression.objects.exists()


@pytest.mark.parametrize(
    ("permission", "url"),
    [("export_person", "export/"), ("erase_person", "erase/"), ("view_person", "")],
)
def test_each_step_needs_its_own_permission(permission, url):
    others = {"view_person", "export_person", "erase_person", "view_message"} - {permission}
    client = client_with(*others)

    assert client.get(f"{PAGE}{url}", {"a": ANA}).status_code == 403
    assert client.post(f"{PAGE}{url}?a={ANA}", {**SUBMITTED, "typed": ANA}).status_code == 403


@pytest.mark.parametrize("url", ["export/", "erase/", "export/?a=", "erase/?a=%00"])
def test_step_without_an_address_is_not_found(admin_client, url):
    assert admin_client.get(f"{PAGE}{url}").status_code == 404


def test_suppression_in_force_is_told_from_a_lifted_one(admin_client):
    Suppression.objects.create(channel_type="email", address=ANA, lifted_at=timezone.now())

    assert "Lifted" in look_up(admin_client).content.decode()
