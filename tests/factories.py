"""Rows for tests: each `make_*` needs only what the test is about."""

from __future__ import annotations

import datetime
import itertools
from typing import Any

from omnichannel.choices import Category, ChannelType
from omnichannel.models import (
    BounceMailbox,
    Channel,
    ChannelProvider,
    Lane,
    Message,
    WebhookEndpoint,
)

NOW = datetime.datetime(2026, 3, 2, 12, 0, tzinfo=datetime.UTC)
_numbers = itertools.count(1)


def make_provider(**values: Any) -> ChannelProvider:
    number = next(_numbers)
    values = {
        "name": f"Provider {number}",
        "backend": "sandbox",
        "channel_type": ChannelType.EMAIL,
        "from_address": "studio@example.com",
        **values,
    }
    return ChannelProvider.objects.create(**values)


def make_endpoint(provider: ChannelProvider | None = None, **values: Any) -> WebhookEndpoint:
    """An open one; of a SendGrid provider whose calls `webhook_signers.sendgrid` signs."""
    if provider is None:
        from tests.omnichannel.backends.webhook_signers import VENDORS

        name, key, _ = VENDORS["sendgrid"]
        provider = make_provider(backend="sendgrid", app_key="a-key", app_config={name: key})
    return WebhookEndpoint.objects.create(**{"provider": provider, "is_enabled": True, **values})


def make_mailbox(provider: ChannelProvider | None = None, **values: Any) -> BounceMailbox:
    """A bounce mailbox that is due; of an SMTP provider unless one is given."""
    provider = provider or make_provider(backend="smtp")
    values = {"host": "127.0.0.1", "user": "bounces", "due_at": NOW, **values}
    return BounceMailbox.objects.create(provider=provider, **values)


def make_channel(**values: Any) -> Channel:
    number = next(_numbers)
    return Channel.objects.create(**{"code": f"c{number}", "name": f"Channel {number}", **values})


def make_lane(provider: ChannelProvider | None = None, **values: Any) -> Lane:
    provider = provider or make_provider()
    values = {"category": Category.TRANSACTIONAL, **values}
    return Lane.objects.get_or_create(provider=provider, **values)[0]


def make_message(**values: Any) -> Message:
    """A message in the queue, ready to be sent unless told otherwise."""
    number = next(_numbers)
    provider = values.pop("provider", None) or make_provider()
    lane = values.pop("lane", None) or make_lane(
        provider,
        category=values.get("category", Category.TRANSACTIONAL),
        priority=values.get("priority", 2),
    )
    values = {
        "to_address": f"person{number}@example.com",
        "subject": "Hello",
        "body_text": "Hello there",
        "created_at": NOW,
        **values,
    }
    return Message.objects.create(provider=provider, lane=lane, **values)
