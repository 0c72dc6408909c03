"""What vendors tell us, kept the moment it comes and applied by a tick.

An event that overtakes its own message waits and is tried again with growing pauses for a day,
then it stays as unmatched.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    connection,
    transaction,
)
from django.db.models import Q, QuerySet

from omnichannel import index_order, tracking
from omnichannel.backends.base import TrackingEvent
from omnichannel.choices import EventType, Outcome, SuppressionReason
from omnichannel.models import ChannelProvider, ReceivedEvent
from omnichannel.people import Address, Holding
from omnichannel.recording import clean
from omnichannel.tracked_rows import among
from omnichannel.tracking import Told

CHUNK = 1_000  # events of one transaction
SQLITE_CHUNK = 250  # nobody else can write meanwhile
LONGEST_ID = 120
FAST_CLOCK = datetime.timedelta(minutes=5)  # how far ahead of ours a vendor's clock may be
FIRST_PAUSE = datetime.timedelta(seconds=2)
GIVEN_UP_AFTER = datetime.timedelta(days=1)
COLUMNS = Told._fields

logger = logging.getLogger(__name__)

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_ITS_OWN = (DataError, IntegrityError)  # the fault of what is written, not of the database
_TYPES, _OUTCOMES = frozenset(EventType.values), frozenset(Outcome.values)
_REASONS = frozenset(SuppressionReason.values)
_INSERT = """
    INSERT INTO omnichannel_receivedevent
        (provider_id, event_id, type, at, key, external_id, address, code, description, url,
         is_machine, outcome, reason, received_at, tries, due_at)
    SELECT {provider}, value ->> 0, value ->> 1, {at}, {key}, value ->> 4, value ->> 5,
           value ->> 6, value ->> 7, value ->> 8, {is_machine}, value ->> 10, value ->> 11,
           {now}, 0, {now}
    FROM {rows} WHERE true
    ON CONFLICT DO NOTHING
    RETURNING id
"""
_PARTS = {
    "sqlite": {
        "provider": "%s",
        "at": "value ->> 2",
        "key": "value ->> 3",
        "is_machine": "value ->> 9",
        "now": "%s",
        "rows": "json_each(%s)",
    },
    "postgresql": {
        "provider": "%s::bigint",
        "at": "(value ->> 2)::timestamptz",
        "key": "(value ->> 3)::uuid",
        "is_machine": "(value ->> 9)::boolean",
        "now": "%s::timestamptz",
        "rows": "jsonb_array_elements(%s::jsonb)",
    },
}


def store(
    provider: ChannelProvider, events: Iterable[TrackingEvent], *, at: datetime.datetime
) -> int:
    """Keep what came from outside, on disk when this returns; answer how many are new.

    An event is the same as another when its id is, or without an id all that it says.
    """
    with transaction.atomic():
        return len(_insert(provider.pk, events, at))


def record(
    provider: ChannelProvider, events: Iterable[TrackingEvent], *, at: datetime.datetime
) -> int:
    """Keep and apply at once what a provider told with its answer; how many were applied.

    What cannot be applied yet waits for the tick.
    """
    with transaction.atomic():
        ids = _insert(provider.pk, events, at)
        rows = ReceivedEvent.objects.filter(pk__in=ids).order_by("pk")
        return _settle([Told._make(row) for row in rows.values_list(*_NAMES)], at)


def apply_due(at: datetime.datetime, until: float, stopped: Callable[[], bool]) -> int:
    """Apply what is due until nothing is or `until` (time.monotonic()) has come.

    Answers how many Message Events were written. Any number of workers may do this at once.
    """
    began, count = time.monotonic(), 0
    chunk = min(CHUNK, SQLITE_CHUNK) if connection.vendor == "sqlite" else CHUNK
    since = _EPOCH  # what lies before is done: its dead index entries are not walked over again
    while not stopped() and time.monotonic() < until:
        started = time.monotonic()
        moment = at + datetime.timedelta(seconds=started - began)
        number, told = _step(moment, since, chunk)
        count += number
        if len(told) < chunk:
            break
        since = told[-1].due_at or since
        if connection.vendor == "sqlite":  # other writers get as long as this one had
            time.sleep(time.monotonic() - started)
    return count


def counts() -> dict[str, int]:
    """{"waiting": to be applied, "unmatched": given up}."""
    rows = ReceivedEvent.objects.order_by()
    waiting = rows.filter(due_at__isnull=False).count()
    return {"waiting": waiting, "unmatched": rows.filter(due_at__isnull=True).count()}


def _told_of(address: Address) -> QuerySet[ReceivedEvent]:
    named = Q(description__icontains=address.text) | Q(url__icontains=address.text)
    return ReceivedEvent.objects.filter(named | Q(address__iexact=address.text))


# What is kept here of a person, for their page.
received_events = Holding(
    name="received_events",
    label="received event",
    count=lambda address: _told_of(address).count(),
    export=lambda address: _told_of(address).values().iterator(),
    erase=lambda address, at: _told_of(address).delete()[0],
)

_NAMES = ("id", *COLUMNS[1:])


def _insert(provider_id: int, events: Iterable[TrackingEvent], at: datetime.datetime) -> list[int]:
    rows = [_row(event, at) for event in events]
    # Two calls with the same events in another order must not wait for one another.
    rows.sort(key=lambda row: row[0])
    statement = _INSERT.format(**_PARTS[connection.vendor])
    now, ids = _stamp(at), []
    with connection.cursor() as cursor:
        for start in range(0, len(rows), CHUNK):
            data = json.dumps(rows[start : start + CHUNK])
            cursor.execute(statement, [provider_id, now, now, data])
            ids += [row[0] for row in cursor.fetchall()]
    return ids


def _row(event: TrackingEvent, now: datetime.datetime) -> list[Any]:
    said = [
        event.type if event.type in _TYPES else EventType.UNKNOWN.value,
        _stamp(_moment(event.at, now)),
        _key(event.key),
        clean(event.external_id, 255),
        clean(event.address, 320),
        clean(event.code, 60),
        clean(event.description),
        clean(event.url),
        bool(event.is_machine),
        event.outcome if event.outcome in _OUTCOMES else "",
        event.reason if event.reason in _REASONS else "",
    ]
    return [_id(event), *said]


def _id(event: TrackingEvent) -> str:
    """The vendor's id, or a digest: of one that is too long, or of all that the event says."""
    found = clean(event.event_id, 2 * LONGEST_ID)
    if found and len(found) <= LONGEST_ID:
        return found
    says = event.event_id or repr(
        (
            *(event.type, event.at.isoformat(), event.key, event.external_id, event.address),
            *(event.code, event.description, event.url, event.is_machine, event.outcome),
        )
    )
    return "digest-" + hashlib.sha256(says.encode("utf-8", "replace")).hexdigest()


def _moment(at: datetime.datetime, now: datetime.datetime) -> datetime.datetime:
    """The vendor's time in UTC; ours where theirs is far ahead or cannot be."""
    try:
        moment = at.replace(tzinfo=datetime.UTC) if at.tzinfo is None else at
        moment = moment.astimezone(datetime.UTC)
    except OverflowError:
        return now
    return now if moment > now + FAST_CLOCK else moment


def _stamp(at: datetime.datetime) -> str:
    """As Django writes a moment in UTC: text on SQLite, with its zone on PostgreSQL."""
    if connection.vendor == "postgresql":
        return at.isoformat()
    text = at.astimezone(datetime.UTC).replace(tzinfo=None).isoformat(sep=" ")
    return text


def _key(text: str) -> str | None:
    """A UUID as the database writes it; None for anything else."""
    if not text:
        return None
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found.hex if connection.vendor == "sqlite" else str(found)


def _step(at: datetime.datetime, since: datetime.datetime, chunk: int) -> tuple[int, list[Told]]:
    """Take up to `chunk` due events and settle them; one that cannot be stops no other."""
    with transaction.atomic():
        told = _take_due(at, since, chunk)
        try:
            with transaction.atomic():
                return _settle(told, at), told
        except Exception as error:
            _raise_unless_its_own(error)
            logger.exception("%s events cannot be applied together", len(told))
        return sum(_settle_one(each, at) for each in told), told


def _settle_one(told: Told, at: datetime.datetime) -> int:
    try:
        with transaction.atomic():
            return _settle([told], at)
    except Exception as error:
        _raise_unless_its_own(error)
        logger.exception("Event %s cannot be applied", told.event_id)
    if at - told.received_at >= GIVEN_UP_AFTER:
        ReceivedEvent.objects.filter(pk=told.pk).update(due_at=None)
    else:
        _postpone([told], at)
    return 0


def _raise_unless_its_own(error: Exception) -> None:
    """A database that is away is no fault of an event; all else is, or ours in reading it."""
    if isinstance(error, DatabaseError | InterfaceError) and not isinstance(error, _ITS_OWN):
        raise error


def _take_due(at: datetime.datetime, since: datetime.datetime, chunk: int) -> list[Told]:
    """Due events that no other worker has in hand; they are this transaction's."""
    rows = ReceivedEvent.objects.filter(due_at__lte=at, due_at__gte=since)
    rows = rows.order_by("due_at", "id")
    rows = rows.select_for_update(skip_locked=connection.vendor == "postgresql")
    with index_order.kept():
        return [Told._make(row) for row in rows.values_list(*_NAMES)[:chunk]]


def _settle(told: Sequence[Told], at: datetime.datetime) -> int:
    """Apply what can be; the rest waits or is given up."""
    if not told:
        return 0
    applied = tracking.apply(told)
    lost = [each for each in applied.missing if _is_lost(each, at)]
    early = [each for each in applied.missing if not _is_lost(each, at)]
    tracking.say_of_strangers(lost, is_final=True)
    tracking.say_of_strangers([each for each in early if not each.tries], is_final=False)
    _postpone([*early, *applied.waiting], at)
    ReceivedEvent.objects.filter(pk__in=[each.pk for each in lost]).update(due_at=None)
    left = {each.pk for each in (*lost, *early, *applied.waiting)}
    done = [each.pk for each in told if each.pk not in left]
    rows = ReceivedEvent.objects.filter(pk__in=among(done))
    rows._raw_delete(rows.db)
    return applied.kept


def _is_lost(told: Told, at: datetime.datetime) -> bool:
    """Nothing that could still come would match it."""
    nameless = told.key is None and not told.external_id
    return nameless or at - told.received_at >= GIVEN_UP_AFTER


def _postpone(told: Iterable[Told], at: datetime.datetime) -> None:
    """Each pause is three times as long as the one before."""
    by_tries = defaultdict(list)
    for each in told:
        by_tries[min(each.tries, 12)].append(each.pk)
    for tries, ids in by_tries.items():
        pause = min(FIRST_PAUSE * 3**tries, GIVEN_UP_AFTER)
        rows = ReceivedEvent.objects.filter(pk__in=ids)
        rows.update(tries=tries + 1, due_at=at + pause)
