"""Suppressions as operators see, add, lift, import and export them."""

from __future__ import annotations

import datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from omnichannel.admin import table_pages
from omnichannel.models import Suppression
from tests.factories import make_message
from tests.omnichannel.admin.posted import SUBMITTED, client_with, errors_of

pytestmark = pytest.mark.django_db
PAGE = "/admin/omnichannel/suppression/"
HOUR = datetime.timedelta(hours=1)


@pytest.fixture(autouse=True)
def own_media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def make_suppression(address="ana@example.com", **values):
    return Suppression.objects.create(channel_type="email", address=address, **values)


@pytest.fixture
def in_every_state():
    now = timezone.now()
    make_suppression("in-force@example.com", expires_at=now + HOUR)
    make_suppression("expired@example.com", expires_at=now - HOUR)
    make_suppression("lifted@example.com", lifted_at=now - HOUR)


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("", ["in-force"]),
        ("expired", ["expired"]),
        ("lifted", ["lifted"]),
        ("any", ["lifted", "expired", "in-force"]),
    ],
)
def test_list_shows_those_in_force_unless_asked(admin_client, in_every_state, state, shown):
    response = admin_client.get(PAGE, {"state": state} if state else {})

    found = [row.address.partition("@")[0] for row in response.context["cl"].result_list]
    assert found == shown


def test_list_names_the_state_and_links_the_cause(admin_client, in_every_state):
    message = make_message()
    make_suppression(message_id=message.pk)
    make_suppression("b@example.com", message_id=10**9)

    page = admin_client.get(PAGE, {"state": "any"}).content.decode()

    assert all(word in page for word in ("In force", "Expired", "Lifted", "E-mail, all"))
    assert f'href="/admin/omnichannel/message/{message.pk}/change/"' in page
    assert "Message 1000000000 (deleted)" in page


def test_the_cause_is_no_link_for_who_may_not_see_messages():
    message = make_message()
    row = make_suppression(message_id=message.pk)
    client = client_with("view_suppression")

    pages = [client.get(url).content.decode() for url in (PAGE, f"{PAGE}{row.pk}/change/")]

    assert all(f"Message {message.pk}" in page for page in pages)
    assert not any(f"/message/{message.pk}/change/" in page for page in pages)


def add(client, **values):
    values = {"channel_type": "email", "address": "Ana@Example.com", "reason": "manual", **values}
    return client.post(f"{PAGE}add/", values)


def test_added_address_is_barred_until_its_end(admin_client):
    response = add(admin_client, expires_at_0="2099-01-02", expires_at_1="03:04", note="By letter")

    row = Suppression.objects.in_force().get()
    assert response.status_code == 302
    assert (row.address, row.note, row.expires_at.year) == ("ana@example.com", "By letter", 2099)
    assert LogEntry.objects.get().object_id == str(row.pk)


def test_lifted_address_can_be_added_again(admin_client):
    row = make_suppression(lifted_at=timezone.now(), created_at=timezone.now() - HOUR)

    response = add(admin_client)

    assert response.status_code == 302, response.context["adminform"].form.errors
    assert Suppression.objects.in_force().get() == row


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"address": "nonsense"}, "address"),
        ({"address": "a\0b@example.com"}, "address"),
        ({"address": "a" * 400 + "@example.com"}, "address"),
        ({"channel_type": "sms", "address": "12"}, "address"),
        ({"expires_at_0": "2020-01-01", "expires_at_1": "00:00"}, "expires_at"),
        ({"reason": "boredom"}, "reason"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(admin_client, values, field):
    response = add(admin_client, **values)

    assert field in errors_of(response)
    assert not Suppression.objects.exists()


def lift(client, row, **values):
    return client.post(f"{PAGE}{row.pk}/lift/", {**SUBMITTED, **values})


def test_lifting_keeps_the_row_and_says_who_did_it(admin_client):
    row = make_suppression()

    response = lift(admin_client, row)

    row.refresh_from_db()
    entry = LogEntry.objects.get()
    assert response.headers["HX-Redirect"] == f"{PAGE}{row.pk}/change/"
    assert row.lifted_at is not None
    assert (entry.user.username, entry.change_message) == (
        "admin",
        "Lifted (added by an operator).",
    )


@pytest.mark.parametrize("reason", ["bounce", "complaint"])
def test_bounce_and_complaint_need_a_tick(admin_client, reason):
    row = make_suppression(reason=reason)

    refused = lift(admin_client, row)
    still = Suppression.objects.in_force().exists()
    lift(admin_client, row, sure="on")

    assert "Tick this to lift a hard bounce or a complaint." in refused.content.decode()
    assert still
    assert not Suppression.objects.in_force().exists()


def test_lifting_what_is_lifted_changes_nothing(admin_client):
    row = make_suppression()
    lift(admin_client, row)
    row.refresh_from_db()

    lift(admin_client, row)

    assert Suppression.objects.get().lifted_at == row.lifted_at
    assert LogEntry.objects.count() == 1


def choose(client, action, **values):
    rows = list(Suppression.objects.values_list("pk", flat=True))
    return client.post(f"{PAGE}?state=any", {"action": action, "_selected_action": rows, **values})


def test_many_are_lifted_after_a_page_that_counts_them(admin_client):
    make_suppression()
    make_suppression("b@example.com")
    make_suppression("c@example.com", lifted_at=timezone.now())

    asked = choose(admin_client, "lift_selected").content.decode()
    choose(admin_client, "lift_selected", confirmed="yes")

    assert "Lift 2 suppressions?" in asked
    assert not Suppression.objects.in_force().exists()
    assert LogEntry.objects.count() == 2


def test_many_with_a_bounce_need_the_tick(admin_client):
    make_suppression()
    make_suppression(reason="bounce")

    refused = choose(admin_client, "lift_selected", confirmed="yes").content.decode()
    still = Suppression.objects.in_force().count()
    choose(admin_client, "lift_selected", confirmed="yes", sure="on")

    assert "Tick this to lift hard bounces" in refused
    assert still == 2
    assert not Suppression.objects.in_force().exists()


def test_nothing_is_deleted_or_edited(admin_client):
    row = make_suppression()

    assert admin_client.post(f"{PAGE}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.post(f"{PAGE}{row.pk}/change/", {"note": "x"}).status_code == 403
    assert "delete_selected" not in admin_client.get(PAGE).content.decode()


def upload(client, text: str, **values):
    file = SimpleUploadedFile("list.csv", text.encode())
    return client.post(f"{PAGE}import/", {"file": file, "reason": "import", **values})


def test_import_tells_what_was_kept_and_what_was_not(admin_client):
    page = upload(admin_client, "address\nana@example.com\n<b>nonsense\n").content.decode()

    assert "Imported, but not all of it" in page
    assert "&lt;b&gt;nonsense" in page
    assert "<b>nonsense" not in page
    assert Suppression.objects.get().reason == "import"
    assert LogEntry.objects.get().change_message == "Imported list.csv: 1 of 2 rows kept."


def test_import_of_no_table_says_so_at_the_file(admin_client):
    page = upload(admin_client, "name\nAna\n").content.decode()

    assert "The first row must name the columns" in page
    assert not Suppression.objects.exists()


def test_sample_can_be_imported(admin_client):
    sample = admin_client.get(f"{PAGE}import/sample/").getvalue().decode()

    page = upload(admin_client, sample).content.decode()

    assert "left out" in page
    assert Suppression.objects.count() == 2


def test_chosen_rows_are_exported_without_formulas(admin_client):
    make_suppression("=cmd@example.com", note="@SUM(1)")

    csv = choose(admin_client, "export_csv").getvalue().decode("utf-8-sig")
    book = choose(admin_client, "export_workbook")

    assert csv.splitlines()[1].startswith("'=cmd@example.com,email,,manual,'@SUM(1),")
    assert book.getvalue().startswith(b"PK")


def test_workbook_of_too_many_rows_is_refused(admin_client, monkeypatch):
    monkeypatch.setattr(table_pages, "MAX_WORKBOOK", 1)
    make_suppression()
    make_suppression("b@example.com")

    choose(admin_client, "export_workbook")

    assert "export as CSV instead" in admin_client.get(PAGE).content.decode()


VIEW = "view_suppression"


@pytest.mark.parametrize(
    ("permissions", "method", "url", "status"),
    [
        ((VIEW,), "get", "import/", 403),
        ((VIEW,), "post", "import/", 403),
        ((VIEW,), "get", "import/sample/", 403),
        ((VIEW, "import_suppression"), "get", "import/", 200),
        ((VIEW,), "get", "export_table/", 403),
        ((VIEW, "export_suppression"), "get", "export_table/", 200),
    ],
)
def test_import_and_export_need_a_permission_of_their_own(permissions, method, url, status):
    client = client_with(*permissions)

    assert getattr(client, method)(f"{PAGE}{url}").status_code == status


def test_lifting_needs_the_permission_to_change():
    row = make_suppression()
    client = client_with(VIEW)

    response = lift(client, row)

    assert response.status_code == 403
    assert Suppression.objects.in_force().exists()
