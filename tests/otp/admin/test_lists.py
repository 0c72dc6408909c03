from __future__ import annotations

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otp import models
from otp.models import BlockedPrefix, OtpEntry
from tests.factories import NOW, make_message
from tests.otp.admin.posted import ENTRIES, NUMBERS, REQUESTS, client_with
from tests.otp.factories import make_challenge, make_configuration, make_entry

pytestmark = pytest.mark.django_db
CEILING = {
    "blockedprefix": 9,
    "otpchallenge": 9,
    "otpconfiguration": 8,
    "otpentry": 8,
    "testnumber": 8,
}


def make_rows(number):
    message = make_message()
    make_configuration()
    make_challenge(message=message, provider=message.provider)
    make_entry(message_id=message.pk, destination=f"+1202555{number:04}")
    BlockedPrefix.objects.create(prefix=f"+1{number}99", created_by=None)
    models.TestNumber.objects.create(destination=f"t{number}@example.com", code="123456")


@pytest.mark.parametrize("noun", sorted(CEILING))
def test_list_asks_no_more_when_it_has_more_rows(admin_client, noun):
    for number in range(12):
        make_rows(number)

    with CaptureQueriesContext(connection) as queries:
        response = admin_client.get(f"/admin/otp/{noun}/")

    assert response.status_code == 200
    assert len(queries) <= CEILING[noun], "\n".join(q["sql"][:150] for q in queries)


@pytest.mark.parametrize("noun", sorted(CEILING))
def test_empty_list_says_what_to_do(admin_client, noun):
    page = admin_client.get(f"/admin/otp/{noun}/").text

    assert "Nothing here yet" in page or "Nothing is blocked" in page or "usual values" in page


@pytest.mark.parametrize(
    ("noun", "name"),
    [("otpentry", "OTP audit trail"), ("otpconfiguration", "OTP Configuration Manager")],
)
def test_list_is_headed_as_the_menu_calls_it(admin_client, noun, name):
    page = admin_client.get(f"/admin/otp/{noun}/").text

    heading = page.split("<h1", 1)[1].split("</h1>", 1)[0]
    assert name in heading


def test_destination_is_masked_and_no_hash_is_shown(admin_client):
    row = make_challenge(destination="+12025550177", digest="ab12" * 16, key_id="k3y1d")

    pages = [admin_client.get(REQUESTS).text, admin_client.get(f"{REQUESTS}{row.pk}/change/").text]

    for page in pages:
        assert "+1********77" in page
        assert not any(word in page for word in ("+12025550177", "ab12ab12", "k3y1d"))


@pytest.mark.parametrize("term", ["+12025550177", "(202) 555-0177", "+1202555017"])
def test_request_is_found_by_its_whole_destination_only(admin_client, term):
    make_challenge(destination="+12025550177")
    make_challenge(destination="+12025550178")

    found = admin_client.get(REQUESTS, {"q": term}).context["cl"].result_count

    assert found == (0 if term == "+1202555017" else 1)


def test_request_is_found_by_its_id(admin_client):
    row = make_challenge()
    make_challenge()

    for term in (row.request_id.hex, str(row.request_id)):
        rows = admin_client.get(REQUESTS, {"q": term}).context["cl"].queryset
        assert [found.pk for found in rows] == [row.pk]


def test_part_of_a_destination_finds_nothing(admin_client):
    make_challenge(destination="ana@example.com", channel="email")

    assert not admin_client.get(REQUESTS, {"q": "example.com"}).context["cl"].result_count
    assert admin_client.get(REQUESTS, {"q": "ANA@example.com"}).context["cl"].result_count


def test_code_that_is_over_is_shown_as_expired_before_the_tick_comes(admin_client):
    make_challenge(created_at=NOW, expires_at=timezone.now() - datetime.timedelta(seconds=1))

    assert "Expired" in admin_client.get(REQUESTS).text


def test_message_is_linked_for_those_who_may_see_it(admin_client):
    message = make_message()
    row = make_challenge(message=message)
    link = f"/message/{message.pk}/change/"
    page = f"{REQUESTS}{row.pk}/change/"

    assert link in admin_client.get(page).text
    assert link not in client_with("view_otpchallenge").get(page).text


def test_entry_of_a_deleted_message_says_so(admin_client):
    entry = make_entry(message_id=4711, destination="+12025550177", detail="No route.")

    page = admin_client.get(f"{ENTRIES}{entry.pk}/change/").text

    assert "Message 4711 (deleted)" in page
    assert "No route." in page
    assert "+12025550177" not in page


def test_nobody_adds_changes_or_deletes_what_is_told(admin_client):
    entry, row = make_entry(), make_challenge()

    for page, pk in ((ENTRIES, entry.pk), (REQUESTS, row.pk)):
        assert admin_client.get(f"{page}add/").status_code == 403
        assert admin_client.post(f"{page}{pk}/change/", {"purpose": "x"}).status_code == 403
        assert admin_client.post(f"{page}{pk}/delete/", {"post": "yes"}).status_code == 403
        assert "delete_selected" not in admin_client.get(page).text
    assert OtpEntry.objects.count() == 1


def test_entries_are_filtered_by_prefix_and_purpose(admin_client):
    make_entry(prefix="+1202555", purpose="login")
    make_entry(prefix="+1303555", purpose="pay")

    for asked in ({"prefix": "+1202555"}, {"purpose": "login"}, {"prefix": "+1202555\0"}):
        rows = admin_client.get(ENTRIES, asked).context["cl"].queryset
        assert [row.purpose for row in rows] == ["login"]


def test_test_number_is_kept_in_its_stored_form(admin_client):
    admin_client.post(
        f"{NUMBERS}add/",
        {"destination": "(202) 555-0199", "code": "123456", "is_active": "on"},
    )

    assert models.TestNumber.objects.get().destination == "+12025550199"


def test_test_number_that_is_none_is_refused(admin_client):
    page = admin_client.post(f"{NUMBERS}add/", {"destination": "12", "code": "123456"}).text

    assert "not a phone number" in page
    assert not models.TestNumber.objects.exists()
