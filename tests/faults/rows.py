"""Rows that lead to the scripted provider."""

from __future__ import annotations

import datetime
from typing import Any

from omnichannel.models import ChannelProvider, Message
from tests.factories import make_lane, make_provider
from tests.faults.provider import Provider


def make_relay(wire: Provider, **values: Any) -> ChannelProvider:
    """By SMTP."""
    options = {**wire.smtp_options, **values.pop("options", {})}
    return make_provider(**{"backend": "smtp", "app_config": options, **values})


def make_send_grid(wire: Provider, **values: Any) -> ChannelProvider:
    """By HTTP, one call after the other and each for one message."""
    values = {
        "backend": "sendgrid",
        "service_url": wire.url,
        "app_key": "SG.secret",
        "app_config": {"connections": 1, "messages_per_call": 1},
        **values,
    }
    return make_provider(**values)


def queue(provider: ChannelProvider, count: int, at: datetime.datetime, **values: Any) -> None:
    """`count` ready messages to p0@example.com, p1@example.com, ..."""
    lane = make_lane(provider)
    Message.objects.bulk_create(
        Message(
            provider=provider,
            lane=lane,
            subject="Hello",
            body_text="Hello there",
            created_at=at,
            **{"to_address": f"p{number}@example.com", **values},
        )
        for number in range(count)
    )
