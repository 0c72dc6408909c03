"""Outgoing webhooks and their deliveries, for tests."""

from __future__ import annotations

import itertools
from typing import Any

from omnichannel.choices import WebhookEvent
from omnichannel.models import OutgoingWebhook, WebhookDelivery
from tests.factories import NOW

_numbers = itertools.count(1)


def make_outgoing_webhook(**values: Any) -> OutgoingWebhook:
    """One that wants every event, unless it says which."""
    values = {
        "name": f"CRM {next(_numbers)}",
        "url": "https://crm.example.com/in",
        "event_types": list(WebhookEvent.values),
        **values,
    }
    return OutgoingWebhook.objects.create(**values)


def make_delivery(webhook: OutgoingWebhook | None = None, **values: Any) -> WebhookDelivery:
    """A delivery that is due."""
    values = {
        "webhook": webhook or make_outgoing_webhook(),
        "type": WebhookEvent.DELIVERED,
        "body": '{"type": "message.delivered"}',
        "created_at": NOW,
        "due_at": NOW,
        **values,
    }
    return WebhookDelivery.objects.create(**values)
