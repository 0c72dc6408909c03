"""Rows for reports: many messages at once, jobs, and what happened to messages."""

from __future__ import annotations

from typing import Any

from omnichannel.choices import JobStatus
from omnichannel.models import Job, Message, MessageEvent
from tests.factories import NOW, _numbers, make_lane, make_provider


def make_job(**values: Any) -> Job:
    values = {
        "name": f"Job {next(_numbers)}",
        "source": "campaign",
        "status": JobStatus.RUNNING,
        "channel_type": "email",
        "created_at": NOW,
        **values,
    }
    values.setdefault("provider", None)
    values["provider"] = values["provider"] or make_provider()
    return Job.objects.create(**values)


def make_many(count: int, **values: Any) -> list[int]:
    """Their ids, in order. A list as a value has one for each."""
    provider = values.pop("provider", None) or make_provider()
    lane = make_lane(provider)
    own = {name: value for name, value in values.items() if isinstance(value, list)}
    shared = {name: value for name, value in values.items() if name not in own}
    rows = [
        Message(
            **{
                "lane": lane,
                "provider": provider,
                "to_address": f"person{next(_numbers)}@example.com",
                "created_at": NOW,
                **shared,
                **{name: value[position] for name, value in own.items()},
            }
        )
        for position in range(count)
    ]
    return [row.pk for row in Message.objects.bulk_create(rows)]


def make_event(message: Message, kind: str, **values: Any) -> MessageEvent:
    values = {"provider": message.provider, "at": NOW, **values}
    return MessageEvent.objects.create(message=message, type=kind, **values)
