"""Outgoing webhooks by the API."""

from __future__ import annotations

import pytest

from omnichannel.choices import Scope
from omnichannel.models import OutgoingWebhook, WebhookCursor, WebhookDelivery
from tests.factories import NOW
from tests.factories_api import caller
from tests.factories_outgoing_webhooks import make_delivery, make_outgoing_webhook
from tests.servers.http import Answer, HttpServer

pytestmark = pytest.mark.django_db
WEBHOOKS, DELIVERIES = "/api/v1/outgoing-webhooks/", "/api/v1/webhook-deliveries/"


def given(**values) -> dict:
    return {
        "name": "CRM",
        "url": "https://crm.example.com/in",
        "event_types": ["message.sent"],
        **values,
    }


@pytest.fixture
def client(db):
    return caller(Scope.PROVIDER)


def test_the_secret_is_answered_once(client):
    made = client.post(WEBHOOKS, given(), format="json")

    webhook = OutgoingWebhook.objects.get()
    assert made.status_code == 201
    assert made.json()["secret"] == webhook.secret
    assert WebhookCursor.objects.get().position is not None
    for answer in (client.get(WEBHOOKS), client.get(f"{WEBHOOKS}{webhook.pk}/")):
        assert answer.status_code == 200
        assert "secret" not in answer.content.decode()


@pytest.mark.parametrize(
    "values",
    [
        {"url": "http://crm.example.com/"},
        {"url": "https://10.0.0.1/"},
        {"url": 5},
        {"event_types": []},
        {"event_types": ["message.eaten"]},
        {"event_types": ["message.sent", "message.sent"]},
        {"event_types": "message.sent"},
        {"event_types": [5]},
        {"categories": ["none"]},
        {"name": ""},
    ],
)
def test_what_cannot_be_is_refused_by_field(client, values):
    answer = client.post(WEBHOOKS, given(**values), format="json")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].partition(".")[0] == next(iter(values))
    assert not OutgoingWebhook.objects.exists()


def test_a_change_touches_only_what_is_given(client):
    webhook = make_outgoing_webhook(failures=3, stopped_at=NOW)
    secret = webhook.secret

    answer = client.patch(f"{WEBHOOKS}{webhook.pk}/", {"is_active": False}, format="json")

    webhook.refresh_from_db()
    assert answer.status_code == 200
    assert (webhook.is_active, webhook.failures, webhook.secret) == (False, 3, secret)


def test_a_rotation_answers_the_new_secret(client):
    webhook = make_outgoing_webhook()
    old = webhook.secret

    answer = client.post(f"{WEBHOOKS}{webhook.pk}/rotate-secret/")

    webhook.refresh_from_db()
    assert answer.json() == {"secret": webhook.secret}
    assert webhook.old_secret == old != webhook.secret


def test_a_test_call_answers_what_was_said(client, settings):
    settings.WEBHOOK_ALLOW_PRIVATE = True
    with HttpServer(Answer(503, body=b"Later")) as server:
        webhook = make_outgoing_webhook(url=server.url)

        answer = client.post(f"{WEBHOOKS}{webhook.pk}/test/")

    assert answer.json() == {"is_taken": False, "code": "503", "answer": "Later"}


def test_a_stopped_one_is_started_once(client):
    webhook = make_outgoing_webhook(stopped_at=NOW)

    answers = [client.post(f"{WEBHOOKS}{webhook.pk}/start/").status_code for _ in range(2)]

    assert answers == [200, 409]


def test_deliveries_are_read_and_sent_again(client):
    delivery = make_delivery(status="given_up", due_at=None, attempts=8)

    listed = client.get(DELIVERIES, {"webhook": delivery.webhook_id, "status": "given_up"})
    answers = [client.post(f"{DELIVERIES}{delivery.pk}/send-again/") for _ in range(2)]

    assert listed.json()["results"][0]["payload"] == {"type": "message.delivered"}
    assert [answer.status_code for answer in answers] == [200, 409]
    assert WebhookDelivery.objects.get().status == "waiting"


def test_a_key_without_the_scope_is_refused():
    webhook = make_outgoing_webhook()
    client = caller(Scope.SEND)

    assert client.get(WEBHOOKS).status_code == 403
    assert client.post(f"{WEBHOOKS}{webhook.pk}/rotate-secret/").status_code == 403
