"""From what happened to what is told of it: Message Events and notices become deliveries.

Nothing of this is done where messages are sent. A tick walks along the ids of the Message Events,
and every event becomes a delivery for each webhook that wants it, once: the cursor moves in the
same transaction.

On PostgreSQL an event with a lower id may come to be seen after one with a higher id. So the tick
goes only as far as nobody can be behind it: it notes the newest id, then the transactions that
write Message Events (each holds a lock on the table until it is over), and when none of these is
open any more, all events up to that id are there to be seen, or never will be.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from omnichannel import webhook_payloads
from omnichannel.choices import WebhookEvent
from omnichannel.models import (
    Message,
    MessageEvent,
    OutgoingWebhook,
    WebhookCursor,
    WebhookDelivery,
    WebhookNotice,
)
from omnichannel.models.outgoing_webhooks import ONLY, new_event_id
from omnichannel.tracked_rows import among
from omnichannel.webhook_payloads import About, Happened

WINDOW = 20_000  # ids that are looked at in one step
CHUNK = 1_000  # events of one step; on SQLite nobody else can write meanwhile
SQLITE_CHUNK = 250
LOOK_AGAIN_SECONDS = 0.05
TIMES = 20  # of looking whether the writers are through, in one tick

_WRITERS = """
    SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND relation = 'omnichannel_messageevent'::regclass AND pid <> pg_backend_pid()
"""
_ABOUT = (
    *("pk", "key", "to_address", "provider__channel_type", "provider__name", "category"),
    *("job__key", "job__source", "job__reference", "external_id"),
)
_EVENT = ("type", "status", "at", "code", "description", "url", "is_machine")


def begin() -> None:
    """From now on events are told, unless they are already. Older ones never are."""
    WebhookCursor.objects.get_or_create(pk=ONLY)
    newest = _newest()
    idle = WebhookCursor.objects.filter(pk=ONLY, position=None)
    idle.update(position=newest, barrier=None, holders=[])


def walk(at: datetime.datetime, until: float, stopped: Callable[[], bool]) -> int:
    """Write deliveries for all that happened, or until `until` (time.monotonic()) has come.

    Answers how many. Any number of workers may do this at once.
    """
    webhooks = list(OutgoingWebhook.objects.working())
    if not webhooks:
        _rest()
        return 0
    if not WebhookCursor.objects.filter(pk=ONLY, position__isnull=False).exists():
        begin()
    chunk = min(CHUNK, SQLITE_CHUNK) if connection.vendor == "sqlite" else CHUNK
    count, waited, is_more = 0, 0, True
    while is_more and not stopped() and time.monotonic() < until:
        began = time.monotonic()
        number, is_more = _step(webhooks, at, chunk)
        count += number
        if is_more and number == 0:  # writers are not through yet, or nothing here was wanted
            waited += 1
            is_more = waited < TIMES
            time.sleep(LOOK_AGAIN_SECONDS)
        elif connection.vendor == "sqlite":  # other writers get as long as this one had
            time.sleep(time.monotonic() - began)
    return count


def _rest() -> None:
    """Nobody is told anything: what happens meanwhile is never told."""
    WebhookCursor.objects.filter(position__isnull=False).update(position=None)
    if WebhookNotice.objects.exists():
        WebhookNotice.objects.all().delete()


def _step(
    webhooks: Sequence[OutgoingWebhook], at: datetime.datetime, chunk: int
) -> tuple[int, bool]:
    """How many deliveries were written, and whether there may be more to do."""
    with transaction.atomic():
        rows = WebhookCursor.objects.filter(pk=ONLY, position__isnull=False)
        locked = rows.select_for_update(skip_locked=connection.vendor == "postgresql")
        cursor = locked.first()
        if cursor is None:  # another worker is at it
            return 0, False
        told = _tell_notices(webhooks, at, chunk)
        reach = _reach(cursor)
        told += _tell_events(cursor, reach, webhooks, at, chunk)
        is_behind = (cursor.position or 0) < reach or cursor.barrier is not None
        has_notices = WebhookNotice.objects.exists()
    return told, is_behind or has_notices


def _newest() -> int:
    return MessageEvent.objects.order_by().aggregate(newest=Max("pk"))["newest"] or 0


def _reach(cursor: WebhookCursor) -> int:
    """The id up to which every event is there to be seen."""
    newest = _newest()
    if connection.vendor != "postgresql":
        return newest
    writers = _writers()
    if not writers:
        cursor.barrier, cursor.holders, reach = None, [], newest
    elif cursor.barrier is not None and writers.intersection(cursor.holders):
        return cursor.position or 0
    else:
        reach = cursor.barrier or cursor.position or 0
        is_behind = newest > reach
        cursor.barrier = newest if is_behind else None
        cursor.holders = sorted(writers) if is_behind else []
    cursor.save(update_fields=["barrier", "holders"])
    return reach


def _writers() -> set[str]:
    """The open transactions that have written Message Events, or are about to."""
    with connection.cursor() as cursor:
        cursor.execute(_WRITERS)
        return {row[0] for row in cursor.fetchall()}


def _tell_events(
    cursor: WebhookCursor,
    reach: int,
    webhooks: Sequence[OutgoingWebhook],
    at: datetime.datetime,
    chunk: int,
) -> int:
    first = cursor.position or 0
    if reach <= first:
        return 0
    ahead = MessageEvent.objects.filter(pk__gt=first, pk__lte=reach).order_by("pk")
    next_one = ahead.values_list("pk", flat=True).first()
    # Ids that retention or a rollback took are passed over at once.
    last = reach if next_one is None else min(reach, next_one - 1 + WINDOW)
    events = MessageEvent.objects.filter(pk__gt=first, pk__lte=last, type__in=_types(webhooks))
    columns = ("pk", "message_id", *_EVENT)
    rows = list(events.order_by("pk").values_list(*columns)[:chunk])
    if len(rows) == chunk:
        last = rows[-1][0]
    happened = []
    for _, message, *values in rows:
        each = Happened._make(values)
        event = webhook_payloads.event_of(each.type, each.status)
        if event:
            happened.append((event, message, each))
    cursor.position = last
    cursor.save(update_fields=["position"])
    return _write(_of_messages(happened, webhooks, at))


def _types(webhooks: Iterable[OutgoingWebhook]) -> list[str]:
    """The Message Events that may be wanted."""
    wanted = {event for webhook in webhooks for event in webhook.event_types}
    types = [str(type_) for type_, event in webhook_payloads.OF_TYPE.items() if event in wanted]
    return [*types, "unknown"] if WebhookEvent.UNCERTAIN in wanted else types


def _tell_notices(webhooks: Sequence[OutgoingWebhook], at: datetime.datetime, chunk: int) -> int:
    rows = WebhookNotice.objects.order_by("pk")
    rows = rows.select_for_update(skip_locked=connection.vendor == "postgresql")
    notices = list(rows[:chunk])
    if not notices:
        return 0
    of_messages: list[tuple[str, int, Happened]] = []
    deliveries = []
    for notice in notices:
        if notice.message_id is None:
            body = webhook_payloads.of(notice.type, notice.data, notice.at)
            deliveries += _for_each(webhooks, notice.type, "", {"body": body, "created_at": at})
        else:
            status = notice.type.rpartition(".")[2]
            happened = Happened(notice.type, status, notice.at)
            of_messages.append((notice.type, notice.message_id, happened))
    deliveries += _of_messages(of_messages, webhooks, at)
    WebhookNotice.objects.filter(pk__in=among(notice.pk for notice in notices)).delete()
    return _write(deliveries)


def _of_messages(
    happened: Sequence[tuple[str, int, Happened]],
    webhooks: Sequence[OutgoingWebhook],
    at: datetime.datetime,
) -> list[WebhookDelivery]:
    """Messages that are gone are not told of."""
    if not happened:
        return []
    messages = Message.objects.filter(pk__in=among({pk for _, pk, _ in happened}))
    found = {row[0]: About._make(row) for row in messages.order_by().values_list(*_ABOUT)}
    deliveries = []
    for event, pk, each in happened:
        if about := found.get(pk):
            columns = {
                "body": webhook_payloads.of_message(event, about, each),
                "address": about.to_address.lower(),
                "message_id": pk,
                "created_at": at,
            }
            deliveries += _for_each(webhooks, event, about.category, columns)
    return deliveries


def _for_each(
    webhooks: Iterable[OutgoingWebhook], event: str, category: str, columns: dict[str, Any]
) -> list[WebhookDelivery]:
    """The same event has the same id, whoever is told of it."""
    mine = [webhook for webhook in webhooks if webhook.wants(event, category)]
    event_id = new_event_id() if mine else ""
    return [
        WebhookDelivery(
            webhook=webhook, event_id=event_id, type=event, due_at=columns["created_at"], **columns
        )
        for webhook in mine
    ]


def _write(deliveries: list[WebhookDelivery]) -> int:
    return len(WebhookDelivery.objects.bulk_create(deliveries, batch_size=CHUNK))
