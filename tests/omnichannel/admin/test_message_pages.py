from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from omnichannel import links, outbox
from omnichannel.models import Message, MessageAttachment, MessageEvent
from tests.factories import make_message
from tests.factories_templates import make_template, make_version
from tests.omnichannel.admin.posted import MESSAGES, SUBMITTED, client_with

pytestmark = pytest.mark.django_db

MOVES = [
    ("requeue", "failed", "new"),
    ("requeue", "cancelled", "new"),
    ("cancel", "new", "cancelled"),
    ("cancel", "scheduled", "cancelled"),
    ("mark_sent", "uncertain", "sent"),
    ("send_again", "uncertain", "new"),
]


def choose(client, action, messages, **values):
    data = {"action": action, "_selected_action": [each.pk for each in messages], **values}
    return client.post(MESSAGES, data, follow=True)


def statuses():
    return sorted(Message.objects.values_list("status", flat=True))


def test_page_of_a_message_is_read_only_and_shows_its_events(admin_client):
    message = make_message(status="failed", error_message="No such mailbox")
    MessageEvent.objects.create(
        message=message,
        provider=message.provider,
        type="clicked",
        status="error",
        at=timezone.now(),
        url="https://example.com/offer",
    )

    page = admin_client.get(f"{MESSAGES}{message.pk}/change/").content.decode()
    admin_client.post(f"{MESSAGES}{message.pk}/change/", {"to_address": "x@example.com"})

    message.refresh_from_db()
    assert "No such mailbox" in page
    assert "https://example.com/offer" in page
    assert "Error, will be retried" in page
    assert message.to_address != "x@example.com"


@pytest.mark.parametrize(("action", "before", "after"), MOVES)
def test_one_message_is_moved(admin_client, action, before, after):
    message = make_message(status=before)

    response = admin_client.post(f"{MESSAGES}{message.pk}/{action}/", SUBMITTED)

    message.refresh_from_db()
    assert "HX-Redirect" in response.headers
    assert message.status == after


def test_message_that_moved_on_is_left_alone(admin_client):
    message = make_message(status="sent")

    admin_client.post(f"{MESSAGES}{message.pk}/cancel/", SUBMITTED)

    message.refresh_from_db()
    assert message.status == "sent"


def test_only_fitting_actions_are_offered(admin_client):
    message = make_message(status="sent")

    page = admin_client.get(f"{MESSAGES}{message.pk}/change/").content.decode()

    assert "/requeue/" not in page
    assert "/shown/" in page


@pytest.mark.parametrize(("action", "before", "after"), MOVES)
def test_chosen_messages_are_moved_after_a_page_that_counts_them(
    admin_client, action, before, after
):
    chosen = [make_message(status=before), make_message(status=before), make_message(status="sent")]

    asked = choose(admin_client, f"{action}_selected", chosen)
    untouched = statuses()
    told = choose(admin_client, f"{action}_selected", chosen, confirmed="yes")

    assert "2 messages?" in asked.content.decode()
    assert untouched == sorted([before, before, "sent"])
    assert "2 messages" in told.content.decode()
    assert statuses() == sorted([after, after, "sent"])


def test_any_number_of_messages_is_requeued(admin_client, monkeypatch):
    monkeypatch.setattr(outbox, "CHUNK", 2)
    chosen = [make_message(status="failed") for _ in range(5)]

    choose(admin_client, "requeue_selected", chosen, confirmed="yes")

    assert statuses() == ["new"] * 5


def test_requeue_leaves_uncertain_messages_alone(admin_client):
    chosen = [make_message(status="uncertain"), make_message(status="failed")]

    choose(admin_client, "requeue_selected", chosen, confirmed="yes")

    assert statuses() == ["new", "uncertain"]


@pytest.mark.parametrize("action", ["requeue", "cancel", "mark_sent", "send_again"])
def test_moving_needs_its_permission(action):
    message = make_message(status="failed")
    client = client_with("view_message", "add_message")

    one = client.post(f"{MESSAGES}{message.pk}/{action}/", SUBMITTED)
    choose(client, f"{action}_selected", [message], confirmed="yes")

    message.refresh_from_db()
    assert (one.status_code, message.status) == (403, "failed")


def test_messages_cannot_be_deleted(admin_client):
    message = make_message()

    admin_client.post(f"{MESSAGES}{message.pk}/delete/", {"post": "yes"})

    assert Message.objects.filter(pk=message.pk).exists()


def test_what_was_sent_is_shown_in_a_page_where_nothing_runs(admin_client):
    html = "<p>Hello</p><script>alert(1)</script>"
    message = make_message(body_html=html, subject="Your <order>")

    page = admin_client.get(f"{MESSAGES}{message.pk}/shown/").content.decode()
    body = admin_client.get(f"{MESSAGES}{message.pk}/shown/body/")

    assert "Your &lt;order&gt;" in page
    assert "alert(1)" not in page
    assert body.content.decode() == html
    assert body["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_what_is_shown_to_an_operator_unsubscribes_nobody(admin_client):
    message = make_message(category="promotional")
    url = links.unsubscribe_url(message.pk)
    Message.objects.update(body_html=f'<a href="{url}">Stop</a>', body_text=url)

    page = admin_client.get(f"{MESSAGES}{message.pk}/shown/").content.decode()
    body = admin_client.get(f"{MESSAGES}{message.pk}/shown/body/").content.decode()

    assert url not in page + body
    assert "/u/preview/" in page
    assert "/u/preview/" in body


@pytest.mark.parametrize("page", ["shown/", "shown/body/", "attachments/1/"])
def test_what_was_sent_needs_the_permission_to_view(page):
    message = make_message()

    response = client_with("view_channel").get(f"{MESSAGES}{message.pk}/{page}")

    assert response.status_code == 403


def test_attachment_is_only_ever_downloaded(admin_client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    row = MessageAttachment(message=make_message(), name="a.html", content_type="text/html")
    row.file.save("a.html", ContentFile(b"<script>alert(1)</script>"))

    response = admin_client.get(f"{MESSAGES}{row.message_id}/attachments/{row.pk}/")

    assert response["Content-Disposition"] == 'attachment; filename="a.html"'
    assert response["Content-Type"] == "application/octet-stream"
    assert b"".join(response.streaming_content) == b"<script>alert(1)</script>"


def test_missing_file_of_an_attachment_is_told(admin_client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    row = MessageAttachment.objects.create(message=make_message(), name="a", file="gone")

    response = admin_client.get(f"{MESSAGES}{row.message_id}/attachments/{row.pk}/")

    assert response.status_code == 404


@pytest.mark.parametrize("part", ["address", "beginning", "key", "external"])
def test_message_is_found(admin_client, part):
    message = make_message(to_address="ana@example.com", external_id="SG.77")
    other = make_message(to_address="bob@example.com")
    term = {
        "address": "ANA@example.com",
        "beginning": "ana@",
        "key": str(message.key),
        "external": "SG.77",
    }[part]

    page = admin_client.get(MESSAGES, {"q": term}).content.decode()

    assert message.to_address in page
    assert other.to_address not in page


def test_page_of_a_message_leaves_out_what_is_empty(admin_client):
    message = make_message(status="sent", cc_addresses="", retry_attempt=0)

    page = admin_client.get(f"{MESSAGES}{message.pk}/change/").content.decode()

    assert "CC Addresses" not in page
    assert "Interval Min" not in page
    assert "Retry Attempt" in page


def test_list_names_the_template_of_a_message_that_has_no_words_of_its_own(admin_client):
    template = make_template(name="Spring offer")
    version = make_version(template, subject="{{ first_name }}, look")
    make_message(subject="", body_text="", template_version=version)

    page = admin_client.get(MESSAGES).content.decode()

    assert "Spring offer v1" in page
    assert "{{ first_name }}" not in page
