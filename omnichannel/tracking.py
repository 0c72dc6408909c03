"""What an event that was told means: a Message Event, a status, a word about an address.

Any order and any repetition of the same events ends in the same rows: an event means the same
whatever came before it, a status only moves forward, and of several failures the first by
(vendor's time, event id) gives its words.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from omnichannel import addressees, preferences, suppressions, tracked_rows
from omnichannel.addressees import Addressee
from omnichannel.backends.base import Result, TrackingEvent
from omnichannel.choices import Category, EventType, MessageStatus, Outcome, SuppressionReason
from omnichannel.models import ChannelProvider
from omnichannel.status_table import StatusTable
from omnichannel.suppressions import Word

# What an event says about the way of its message, unless an operator said otherwise of its code.
_OUTCOMES: Mapping[str, str] = {
    EventType.QUEUED: Outcome.ACCEPTED,
    EventType.SENT: Outcome.ACCEPTED,
    EventType.DEFERRED: Outcome.TEMPORARY,
    EventType.DELIVERED: Outcome.DELIVERED,
    EventType.BOUNCED: Outcome.REJECTED,
    EventType.REJECTED: Outcome.REJECTED,
    EventType.FAILED: Outcome.REJECTED,
}
# Whatever the vendor says of a message, it has it: enough to settle one that is uncertain.
_STATUSES: Mapping[str, MessageStatus] = {
    Outcome.ACCEPTED: MessageStatus.SENT,
    Outcome.TEMPORARY: MessageStatus.SENT,
    Outcome.THROTTLED: MessageStatus.SENT,
    Outcome.DELIVERED: MessageStatus.DELIVERED,
    Outcome.REJECTED: MessageStatus.FAILED,
}
# What people did. Who opens or clicks, be it a mail gateway, has the message.
_OF_PEOPLE: Mapping[str, MessageStatus] = {
    EventType.OPENED: MessageStatus.DELIVERED,
    EventType.CLICKED: MessageStatus.DELIVERED,
    EventType.COMPLAINED: MessageStatus.SENT,
}
_FAILING = (EventType.BOUNCED, EventType.REJECTED, EventType.FAILED)
_REASONS: Mapping[str, str] = {
    EventType.BOUNCED: SuppressionReason.BOUNCE,
    EventType.COMPLAINED: SuppressionReason.COMPLAINT,
    EventType.UNSUBSCRIBED: SuppressionReason.UNSUBSCRIBE,
    EventType.SUBSCRIBED: SuppressionReason.UNSUBSCRIBE,
}


class Told(NamedTuple):
    """A received event, in the order of `receipts.COLUMNS`."""

    pk: int
    provider_id: int
    event_id: str
    type: str
    at: datetime.datetime
    key: UUID | None
    external_id: str
    address: str
    code: str
    description: str
    outcome: str
    reason: str
    received_at: datetime.datetime
    tries: int
    due_at: datetime.datetime | None


@dataclass
class Applied:
    """What became of events. `kept`: how many are new Message Events."""

    kept: int = 0
    waiting: list[Told] = field(default_factory=list)  # their message is still being sent
    missing: list[Told] = field(default_factory=list)  # there is no such message (yet)


class Vendor(NamedTuple):
    channel_type: str
    table: StatusTable
    known: dict[tuple[str, str, str], str]  # (type, outcome, code): status


class Meaning(NamedTuple):
    told: Told
    message: Addressee
    status: str  # what the event moves its message to; empty: it is a note


def status_after(event: TrackingEvent | Told, outcome: str = "") -> MessageStatus | None:
    """The status an event moves its message to, if that is forward; None when it is a note.

    `outcome`: what its code means, when that is not what the event itself says.
    """
    if event.type in _OF_PEOPLE:
        return _OF_PEOPLE[event.type]
    return _STATUSES.get(outcome or _own_outcome(event))


def _own_outcome(event: TrackingEvent | Told) -> str:
    if event.type in _REASONS and event.type not in _OUTCOMES:
        return ""
    return event.outcome or _OUTCOMES.get(event.type, "")


def apply(told: Sequence[Told]) -> Applied:
    """Turn received events into what they mean. Runs in the caller's transaction."""
    applied = Applied()
    vendors = _vendors({each.provider_id for each in told})
    found = addressees.find(told)
    meant: list[Meaning] = []
    for each in told:
        message = found.get(each.pk)
        if message is None:
            applied.missing.append(each)
        elif message.status == MessageStatus.SENDING:
            applied.waiting.append(each)
        else:
            meant.append(Meaning(each, message, _status(each, message, vendors)))
    now = tracked_rows.lock({m.message.pk for m in meant if m.status})
    # Claimed again, or deleted, a moment ago.
    applied.waiting += [m.told for m in meant if m.status and m.message.pk not in now]
    meant = [m for m in meant if not m.status or m.message.pk in now]
    kept = tracked_rows.keep((m.told.pk, m.message.pk, m.status) for m in meant)
    new = [m for m in meant if (m.told.provider_id, m.told.event_id) in kept]
    tracked_rows.move(new, now)
    _say([(m.told, m.message, m.status) for m in new], vendors)
    applied.kept = len(new)
    return applied


def say_of_strangers(told: Iterable[Told], *, is_final: bool) -> None:
    """Words about addresses by events without a message.

    A bounce or a complaint is heeded at once; an unsubscribing may still find its message, and
    with it its category, until it is final that there is none.
    """
    told = [each for each in told if is_final or not _is_of_category(each)]
    vendors = _vendors({each.provider_id for each in told})
    _say([(each, None, _status(each, None, vendors)) for each in told], vendors)


def _is_of_category(told: Told) -> bool:
    return (told.reason or _REASONS.get(told.type)) == SuppressionReason.UNSUBSCRIBE


def _vendors(ids: Iterable[int]) -> dict[int, Vendor]:
    providers = ChannelProvider.objects.filter(pk__in=set(ids)).only("backend", "channel_type")
    return {row.pk: Vendor(row.channel_type, StatusTable.of(row), {}) for row in providers}


def _status(told: Told, message: Addressee | None, vendors: Mapping[int, Vendor]) -> str:
    """What the event moves its message to; what happens to a copy is a note."""
    if message and message.is_copy(told.address):
        return ""
    vendor, said = vendors[told.provider_id], (told.type, told.outcome, told.code)
    if said not in vendor.known:
        own = _own_outcome(told)
        result = Result("", own, told.code, told.description)
        outcome = vendor.table.outcome_of(result) if told.code else own
        vendor.known[said] = str(status_after(told, outcome) or "")
    return vendor.known[said]


def _say(told: Iterable[tuple[Told, Addressee | None, str]], vendors: Mapping[int, Vendor]) -> None:
    words = [
        word
        for each, message, status in told
        if (word := _word(each, message, status, vendors[each.provider_id].channel_type))
    ]
    if words:  # in one order, so that two workers never wait for one another
        suppressions.say(sorted(words, key=lambda word: (word.address, word.category, word.reason)))


def _word(told: Told, message: Addressee | None, status: str, channel_type: str) -> Word | None:
    reason = told.reason or _REASONS.get(told.type, "")
    is_copy = message is not None and message.is_copy(told.address)
    if not reason or (told.type in _FAILING and status != MessageStatus.FAILED and not is_copy):
        return None
    if is_copy and told.type in _FAILING and told.outcome == Outcome.TEMPORARY:
        return None
    address = addressees.address_of(told, message, channel_type)
    if not address:
        return None
    category = ""
    if reason == SuppressionReason.UNSUBSCRIBE:
        category = preferences.meant_by(message.category if message else Category.PROMOTIONAL).value
    return Word(
        channel_type,
        address,
        reason,
        told.at,
        category=category,
        lifts=told.type == EventType.SUBSCRIBED,
        note=f"{EventType(told.type).label}: {told.code} {told.description}".strip(" :")[:255],
        message_id=message.pk if message else None,
    )
