"""The pages of outgoing webhooks and of what they told."""

from __future__ import annotations

import json

import pytest

from omnichannel.choices import WebhookStatus
from omnichannel.models import OutgoingWebhook, WebhookDelivery
from tests.factories import NOW, make_message
from tests.factories_outgoing_webhooks import make_delivery, make_outgoing_webhook
from tests.omnichannel.admin.posted import SUBMITTED, client_with, errors_of
from tests.servers.http import Answer, HttpServer

pytestmark = pytest.mark.django_db
WEBHOOKS = "/admin/omnichannel/outgoingwebhook/"
DELIVERIES = "/admin/omnichannel/webhookdelivery/"


def form(**values) -> dict:
    return {
        "name": "CRM",
        "url": "https://crm.example.com/in",
        "event_types": ["message.sent", "message.failed"],
        "is_active": "on",
        **values,
    }


def action(pk: int, name: str) -> str:
    return f"{WEBHOOKS}{pk}/{name}/"


def test_the_secret_is_shown_once_when_it_is_added(admin_client):
    response = admin_client.post(f"{WEBHOOKS}add/", form())

    webhook = OutgoingWebhook.objects.get()
    page = f"{WEBHOOKS}{webhook.pk}/change/"
    assert webhook.secret in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert webhook.event_types == ["message.sent", "message.failed"]
    for url in (page, WEBHOOKS, f"{WEBHOOKS}{webhook.pk}/history/"):
        shown = admin_client.get(url)
        assert shown.status_code == 200
        assert webhook.secret not in shown.content.decode()


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://crm.example.com/", "https"),
        ("https://127.0.0.1/", "not on the internet"),
        ("https://169.254.169.254/latest", "not on the internet"),
        ("https://a:b@crm.example.com/", "password"),
        ("https://crm.example.com:25/", "port"),
        ("javascript:alert(1)", "https"),
    ],
)
def test_a_url_that_may_not_be_called_is_refused_in_words(admin_client, url, word):
    response = admin_client.post(f"{WEBHOOKS}add/", form(url=url))

    assert word in errors_of(response)["url"]
    assert not OutgoingWebhook.objects.exists()


def test_at_least_one_event_is_chosen(admin_client):
    response = admin_client.post(f"{WEBHOOKS}add/", form(event_types=[]))

    assert "event_types" in errors_of(response)


def test_a_change_keeps_the_secret_and_what_the_ticks_wrote(admin_client):
    webhook = make_outgoing_webhook(failures=3, last_result="500")
    secret = webhook.secret

    admin_client.post(f"{WEBHOOKS}{webhook.pk}/change/", form(categories=["otp"]))

    webhook.refresh_from_db()
    assert (webhook.secret, webhook.failures, webhook.last_result) == (secret, 3, "500")
    assert (webhook.name, webhook.categories) == ("CRM", ["otp"])


def test_the_page_opens_when_no_key_opens_the_secret(admin_client, settings):
    webhook = make_outgoing_webhook()
    settings.FIELD_ENCRYPTION_KEYS = ["another-ring"]

    for url in (WEBHOOKS, f"{WEBHOOKS}{webhook.pk}/change/"):
        assert admin_client.get(url).status_code == 200
    response = admin_client.post(action(webhook.pk, "rotate_secret"), SUBMITTED)
    renewed = OutgoingWebhook.objects.get()
    assert renewed.secret in response.content.decode()
    assert renewed.secrets_at(NOW) == [renewed.secret]


def test_rotating_shows_the_new_secret_once_and_never_rotates_twice(admin_client):
    webhook = make_outgoing_webhook()
    old = webhook.secret

    response = admin_client.post(action(webhook.pk, "rotate_secret"), SUBMITTED)
    webhook.refresh_from_db()
    again = admin_client.post(action(webhook.pk, "rotate_secret"), {**SUBMITTED, "rotated": "yes"})

    new = webhook.secret
    assert new != old
    assert new in response.content.decode()
    assert 'name="rotated"' in response.content.decode()
    assert "I have kept it" in response.content.decode()
    webhook.refresh_from_db()
    assert (webhook.secret, webhook.old_secret) == (new, old)
    assert again["HX-Redirect"] == f"{WEBHOOKS}{webhook.pk}/change/"


def test_a_test_event_shows_what_was_answered(admin_client, settings):
    settings.WEBHOOK_ALLOW_PRIVATE = True
    with HttpServer(Answer(422, body=b"<b>Unknown</b>")) as server:
        webhook = make_outgoing_webhook(url=server.url)

        response = admin_client.post(action(webhook.pk, "send_test_event"), SUBMITTED)

    text = response.content.decode()
    assert "It did not take the event" in text
    assert "&lt;b&gt;Unknown&lt;/b&gt;" in text
    assert server.requests[0].json["type"] == "webhook.test"


def test_a_stopped_webhook_is_started_again(admin_client):
    webhook = make_outgoing_webhook(stopped_at=NOW, stopped_reason="It answered 410", failures=9)
    page = admin_client.get(f"{WEBHOOKS}{webhook.pk}/change/").content.decode()
    assert "It answered 410" in page

    admin_client.post(action(webhook.pk, "start_again"), SUBMITTED)

    webhook.refresh_from_db()
    assert webhook.is_working
    assert webhook.failures == 0


def test_who_may_only_look_changes_nothing():
    client = client_with("view_outgoingwebhook", "view_webhookdelivery")
    webhook = make_outgoing_webhook(stopped_at=NOW)
    delivery = make_delivery(webhook, status="given_up", due_at=None)
    before = OutgoingWebhook.objects.values().get()

    for name in ("send_test_event", "rotate_secret", "start_again"):
        assert client.post(action(webhook.pk, name), SUBMITTED).status_code == 403
    client.post(f"{DELIVERIES}{delivery.pk}/send_again/", SUBMITTED)
    client.post(DELIVERIES, {"action": "send_again_selected", "_selected_action": [delivery.pk]})

    assert OutgoingWebhook.objects.values().get() == before
    delivery.refresh_from_db()
    assert delivery.status == WebhookStatus.GIVEN_UP
    assert client.get(f"{WEBHOOKS}{webhook.pk}/change/").status_code == 200


def test_a_delivery_shows_its_payload_and_its_message(admin_client):
    message = make_message()
    body = json.dumps({"type": "message.sent", "data": {"note": "<script>"}})
    delivery = make_delivery(body=body, message_id=message.pk, address=message.to_address)

    page = admin_client.get(f"{DELIVERIES}{delivery.pk}/change/").content.decode()

    assert "&lt;script&gt;" in page
    assert f"/message/{message.pk}/change/" in page


@pytest.mark.parametrize("term", ["event", "address", "number"])
def test_deliveries_are_found_by_what_names_them(admin_client, term):
    wanted = make_delivery(address="ann@example.com", message_id=77)
    make_delivery(address="bob@example.com", message_id=78)
    text = {"event": wanted.event_id, "address": "Ann@Example.com", "number": "77"}[term]

    response = admin_client.get(DELIVERIES, {"q": text})

    assert list(response.context["cl"].result_list) == [wanted]


def test_deliveries_are_sent_again_one_by_one_and_together(admin_client):
    rows = [make_delivery(status="given_up", due_at=None, attempts=8) for _ in range(3)]

    admin_client.post(f"{DELIVERIES}{rows[0].pk}/send_again/", SUBMITTED)
    chosen = {"action": "send_again_selected", "_selected_action": [row.pk for row in rows[:2]]}
    admin_client.post(DELIVERIES, chosen)

    found = WebhookDelivery.objects.order_by("pk").values_list("status", "attempts")
    assert list(found) == [("waiting", 0), ("waiting", 0), ("given_up", 8)]


def test_a_webhook_is_deleted_with_its_deliveries():
    client = client_with("view_outgoingwebhook", "delete_outgoingwebhook")
    kept = make_delivery()
    gone = make_delivery()

    client.post(f"{WEBHOOKS}{gone.webhook_id}/delete/", {"post": "yes"})

    assert list(WebhookDelivery.objects.all()) == [kept]
