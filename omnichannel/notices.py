"""Word for the outgoing webhooks of what has no Message Event: a change of status by itself, or
the end of a campaign.

Nothing is written unless a webhook wants it. A notice is written in the transaction of what it
tells, so that either both are there or neither.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db import connection, transaction

from omnichannel.choices import MessageStatus, WebhookEvent, sources_of
from omnichannel.models import Message, OutgoingWebhook, WebhookNotice
from omnichannel.models.messages import MessageQuerySet
from omnichannel.tracked_rows import among

CHUNK = 5_000
OF_STATUS: Mapping[str, WebhookEvent] = {
    MessageStatus.SENT: WebhookEvent.SENT,
    MessageStatus.FAILED: WebhookEvent.FAILED,
    MessageStatus.UNCERTAIN: WebhookEvent.UNCERTAIN,
    MessageStatus.EXPIRED: WebhookEvent.EXPIRED,
    MessageStatus.CANCELLED: WebhookEvent.CANCELLED,
    MessageStatus.SUPPRESSED: WebhookEvent.SUPPRESSED,
}


def is_wanted(*statuses: str) -> bool:
    """Does a webhook want to know of messages that come to one of these statuses?"""
    return _wanted({OF_STATUS[status] for status in statuses if status in OF_STATUS})


def keep(status: str, ids: Iterable[int], *, at: datetime.datetime) -> None:
    """These messages have come to `status`, without a Message Event of it."""
    event = OF_STATUS[status]
    rows = [WebhookNotice(type=event, message_id=pk, at=at) for pk in ids]
    WebhookNotice.objects.bulk_create(rows, batch_size=CHUNK)


def insert(message: Message, *, at: datetime.datetime) -> None:
    """Save a new message; it may end as it begins."""
    if message.status != MessageStatus.SUPPRESSED or not is_wanted(message.status):
        message.save(force_insert=True)
        return
    with transaction.atomic():
        message.save(force_insert=True)
        keep(message.status, [message.pk], at=at)


def say(
    event: WebhookEvent, data: Callable[[], Mapping[str, Any]], *, at: datetime.datetime
) -> None:
    """Something happened that is no message's. `data` answers what is told of it, if it is."""
    if _wanted({event}):
        WebhookNotice.objects.create(type=event, at=at, data=dict(data()))


def move(
    rows: MessageQuerySet, target: MessageStatus, *, at: datetime.datetime, **fields: Any
) -> int:
    """`rows.move()`, for those who want to know of it as well; answer how many were moved."""
    if not is_wanted(target):
        return rows.move(target, **fields)
    ids = list(
        rows.filter(status__in=sources_of(target)).order_by("pk").values_list("pk", flat=True)
    )
    moved = 0
    for start in range(0, len(ids), CHUNK):
        moved += _move(rows, ids[start : start + CHUNK], target, at, fields)
    return moved


def _move(
    rows: MessageQuerySet,
    ids: list[int],
    target: MessageStatus,
    at: datetime.datetime,
    fields: dict[str, Any],
) -> int:
    with transaction.atomic():
        chosen = Message.objects.filter(pk__in=among(ids), status__in=sources_of(target))
        locked = chosen.order_by("pk").select_for_update(no_key=connection.vendor == "postgresql")
        held = list(locked.values_list("pk", flat=True))
        # What was claimed or changed since the ids were read may not be meant any more.
        meant = list(rows.filter(pk__in=held).values_list("pk", flat=True)) if held else []
        moved = Message.objects.filter(pk__in=among(meant)).move(target, **fields)
        keep(target, meant, at=at)
    return moved


def _wanted(events: set[WebhookEvent]) -> bool:
    chosen = OutgoingWebhook.objects.working().values_list("event_types", flat=True)
    return any(events.intersection(types) for types in chosen)
