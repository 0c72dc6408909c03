"""What providers tell us later: events become Message Events and move statuses forward."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import Q

from omnichannel.backends.base import TrackingEvent
from omnichannel.choices import EventType, MessageStatus, Outcome
from omnichannel.models import ChannelProvider, Message, MessageEvent
from omnichannel.recording import clean, code_of

_FAILING = {EventType.BOUNCED, EventType.REJECTED, EventType.FAILED}


def status_after(event: TrackingEvent) -> MessageStatus | None:
    """The status an event moves its message to; None when it is a note only."""
    if event.type == EventType.DELIVERED:
        return MessageStatus.DELIVERED
    if event.type in _FAILING and event.outcome != Outcome.TEMPORARY:
        return MessageStatus.FAILED
    return None


def record(
    provider: ChannelProvider, events: Iterable[TrackingEvent], *, at: datetime.datetime
) -> int:
    """Keep events of one provider and move their messages; answer how many were kept.

    An event is matched by our key, else by the provider's id, and kept once by its event id.
    A status only moves along its arrows: a late or repeated event changes nothing.
    """
    events = list(events)
    messages = _messages_of(provider, events)
    matched = [
        (event, message)
        for event in events
        if (message := messages.get(event.key) or messages.get(event.external_id)) is not None
    ]
    with transaction.atomic():
        MessageEvent.objects.bulk_create(
            [_row(provider, event, message) for event, message in matched], ignore_conflicts=True
        )
        _move(matched)
    return len(matched)


def _messages_of(provider: ChannelProvider, events: Sequence[TrackingEvent]) -> dict[str, Message]:
    keys = {event.key for event in events if event.key}
    externals = {event.external_id for event in events if event.external_id and not event.key}
    rows = Message.objects.filter(
        Q(key__in=keys) | (Q(external_id__in=externals) & ~Q(external_id="")), provider=provider
    ).only("key", "external_id", "status")
    found: dict[str, Message] = {}
    for row in rows:
        found[str(row.key)] = row
        if row.external_id:
            found[row.external_id] = row
    return found


def _row(provider: ChannelProvider, event: TrackingEvent, message: Message) -> MessageEvent:
    return MessageEvent(
        message=message,
        provider=provider,
        type=event.type,
        at=event.at,
        event_id=clean(event.event_id, 120),
        status=status_after(event) or message.status,
        code=code_of(event.code),
        description=clean(event.description),
        url=clean(event.url),
        is_machine=event.is_machine,
    )


def _move(matched: Sequence[tuple[TrackingEvent, Message]]) -> None:
    for target in (MessageStatus.DELIVERED, MessageStatus.FAILED):
        hits = [(event, message) for event, message in matched if status_after(event) == target]
        if target == MessageStatus.DELIVERED:
            ids = {message.pk for _, message in hits}
            Message.objects.filter(pk__in=ids).move(target, error_code="", error_message="")
        else:
            for event, message in hits:
                Message.objects.filter(pk=message.pk, status__in=_AFTER_HAND_OVER).move(
                    target, error_code=code_of(event.code), error_message=clean(event.description)
                )


_AFTER_HAND_OVER = (MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.UNCERTAIN)
