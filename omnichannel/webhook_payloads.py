"""What another system is told of an event: JSON, to the letter what is signed.

{"type": "message.delivered", "timestamp": "2026-03-02T12:00:00+00:00", "data": {...}}. Nothing of
what a message says is in it: neither its subject, its body nor its variables.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from omnichannel.choices import EventType, MessageStatus, WebhookEvent

OF_TYPE: Mapping[str, WebhookEvent] = {
    EventType.SENT: WebhookEvent.SENT,
    EventType.DELIVERED: WebhookEvent.DELIVERED,
    EventType.DEFERRED: WebhookEvent.DEFERRED,
    EventType.FAILED: WebhookEvent.FAILED,
    EventType.REJECTED: WebhookEvent.FAILED,
    EventType.BOUNCED: WebhookEvent.BOUNCED,
    EventType.OPENED: WebhookEvent.OPENED,
    EventType.CLICKED: WebhookEvent.CLICKED,
    EventType.COMPLAINED: WebhookEvent.COMPLAINED,
    EventType.UNSUBSCRIBED: WebhookEvent.UNSUBSCRIBED,
}
TEST = "webhook.test"


class About(NamedTuple):
    """A message as it is told of."""

    pk: int
    key: Any
    to_address: str
    channel: str
    provider: str
    category: str
    job: Any
    job_source: str | None
    job_reference: str | None
    external_id: str


class Happened(NamedTuple):
    """A Message Event, or a notice of a status, in its place."""

    type: str
    status: str
    at: datetime.datetime
    code: str = ""
    description: str = ""
    url: str = ""
    is_machine: bool = False


def event_of(type_: str, status: str) -> WebhookEvent | None:
    """What a Message Event is called outside; None for what is not told."""
    if type_ == EventType.UNKNOWN:
        return WebhookEvent.UNCERTAIN if status == MessageStatus.UNCERTAIN else None
    return OF_TYPE.get(type_)


def of_message(event: str, about: About, happened: Happened) -> str:
    message = {
        "id": about.pk,
        "key": str(about.key),
        "to": about.to_address,
        "channel": about.channel,
        "provider": about.provider,
        "category": about.category,
        "external_id": about.external_id,
        "status": happened.status,
        "job": str(about.job) if about.job else None,
    }
    if about.job_source:
        message["source"] = {"type": about.job_source, "id": about.job_reference}
    details = {
        "code": happened.code,
        "description": happened.description,
        "url": happened.url,
        "by_machine": happened.is_machine or None,
    }
    told = {name: value for name, value in details.items() if value}
    return of(event, {"message": message, **told}, happened.at)


def of(event: str, data: Mapping[str, Any], at: datetime.datetime) -> str:
    body = {"type": event, "timestamp": at.astimezone(datetime.UTC).isoformat(), "data": data}
    return json.dumps(body, ensure_ascii=False)
