"""Deleting what is over and old, a chunk at a time, and keeping the figures of its jobs.

A chunk is one transaction: it deletes messages and adds them to their job's `purged_counts`, so
that a job's figures are the same before, during and after. Broken off anywhere, the next run
goes on. Messages that still move, and uncertain ones, are never deleted.
"""

from __future__ import annotations

import datetime
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from omnichannel import crash, kept_replies
from omnichannel.choices import JobStatus, MessageStatus
from omnichannel.models import (
    EventTrigger,
    Job,
    Message,
    MessageAttachment,
    MessageEvent,
    ReceivedEvent,
    WebhookDelivery,
)
from omnichannel.models.messages import MessageQuerySet

CHUNK = 1_000
OVER = tuple(
    status
    for status in MessageStatus
    if status not in (*MessageStatus.pending(), MessageStatus.UNCERTAIN)
)
ENDED = (JobStatus.FINISHED, JobStatus.CANCELLED)


@dataclass
class Purged:
    messages: int = 0
    events: int = 0

    def add(self, other: Purged) -> Purged:
        self.messages += other.messages
        self.events += other.events
        return self


@dataclass(frozen=True)
class Limits:
    """Older than this goes: messages that are over and of jobs that ended, and events."""

    messages: datetime.datetime | None
    events: datetime.datetime | None
    unmatched: datetime.datetime | None = None  # what vendors told of no message of ours
    deliveries: datetime.datetime | None = None  # what other systems were told
    replies: datetime.datetime | None = None  # what was answered to calls of the API


@dataclass(frozen=True)
class Plan:
    """What would go: (name, messages) by job, messages of no job, files and events."""

    jobs: list[tuple[str, int]]
    lone: int
    files: int
    file_bytes: int
    events: int

    @property
    def messages(self) -> int:
        return self.lone + sum(number for _, number in self.jobs)


def limits(at: datetime.datetime) -> Limits:
    """As the settings have it."""
    return Limits(
        messages=days_before(at, settings.KEEP_MESSAGES_DAYS),
        events=days_before(at, settings.KEEP_EVENTS_DAYS),
        unmatched=days_before(at, settings.KEEP_UNMATCHED_DAYS),
        deliveries=days_before(at, settings.KEEP_WEBHOOK_DELIVERIES_DAYS),
        replies=at - kept_replies.KEPT_FOR,
    )


def days_before(at: datetime.datetime, days: int) -> datetime.datetime | None:
    """None for no days: all is kept."""
    return at - datetime.timedelta(days=days) if days > 0 else None


def purge(limits: Limits, *, until: float, stopped: Callable[[], bool]) -> Purged:
    """Delete what is older until nothing is left or `until` (time.monotonic()) has come."""
    done = Purged()
    for chunk in _chunks(limits):
        began = time.monotonic()
        gone = chunk()
        if gone.messages or gone.events:
            done.add(gone)
            _pause(time.monotonic() - began)
        if stopped() or time.monotonic() >= until:
            break
    return done


def _chunks(limits: Limits) -> Iterator[Callable[[], Purged]]:
    """The steps to take, the same again until it finds nothing."""
    if limits.messages:
        before = limits.messages
        for job in old_jobs(before).values_list("pk", flat=True):
            yield from _repeated(partial(_purge_job, job, before))
        last = first_id_from(before)
        yield from _repeated(partial(_purge_lone, before, last))
        yield from _repeated(partial(_purge_triggers, before))
    if limits.events:
        yield from _repeated(partial(_purge_events, limits.events))
    if limits.unmatched:
        yield from _repeated(partial(_purge_unmatched, limits.unmatched))
    if limits.deliveries:
        yield from _repeated(partial(_purge_deliveries, limits.deliveries))
    if limits.replies:
        yield from _repeated(partial(_purge_replies, limits.replies))


def _repeated(step: Callable[[], Purged]) -> Iterator[Callable[[], Purged]]:
    last = Purged(messages=1)

    def once() -> Purged:
        nonlocal last
        last = step()
        return last

    while last.messages or last.events:
        yield once


def _pause(held: float) -> None:
    """SQLite has one writer at a time: the others get as long as this one had."""
    time.sleep(held if connection.vendor == "sqlite" else held / 10)


def old_jobs(before: datetime.datetime) -> QuerySet[Job]:
    """Jobs that ended before, and which have messages left that may go."""
    ended = Job.objects.filter(status__in=ENDED, finished_at__lt=before)
    over = Message.objects.filter(job=OuterRef("pk"), status__in=OVER)
    return ended.filter(Exists(over)).order_by("pk")


def lone_messages(before: datetime.datetime, last: int) -> MessageQuerySet:
    """Messages of no job that are over, neither written nor tried since. `last`: an id."""
    untouched = Q(last_attempt_at__isnull=True) | Q(last_attempt_at__lt=before)
    return Message.objects.filter(
        untouched, job=None, status__in=OVER, id__lt=last, created_at__lt=before
    )


def first_id_from(moment: datetime.datetime) -> int:
    """The id from which on messages were written at `moment` or later: ids follow the time.

    Found by halving over the primary key: there is no index on the time they were written.
    """
    newest = Message.objects.order_by("-id").values_list("id", flat=True).first()
    low, high = 0, (newest or 0) + 1
    while low < high:
        middle = (low + high) // 2
        rows = Message.objects.filter(id__gte=middle).order_by("id")
        found, written = rows.values_list("id", "created_at").first() or (high, moment)
        if written >= moment:
            high = middle
        else:
            low = found + 1
    return low


def plan(limits: Limits) -> Plan:
    """Count what `purge` would delete now."""
    before = limits.messages
    jobs = Message.objects.none()
    lone = Message.objects.none()
    if before:
        lone = lone_messages(before, first_id_from(before))
        jobs = Message.objects.filter(job__in=old_jobs(before).values("pk"), status__in=OVER)
    files = MessageAttachment.objects.filter(Q(message__in=lone) | Q(message__in=jobs))
    by_job = jobs.order_by("job").values_list("job_id", "job__name").annotate(number=Count("id"))
    events = MessageEvent.objects.filter(at__lt=limits.events) if limits.events else None
    return Plan(
        jobs=[(name, number) for _, name, number in by_job],
        lone=lone.count(),
        files=files.count(),
        file_bytes=files.aggregate(size=Sum("size"))["size"] or 0,
        events=events.count() if events is not None else 0,
    )


def _purge_job(pk: int, before: datetime.datetime) -> Purged:
    with transaction.atomic():
        ended = Job.objects.filter(pk=pk, status__in=ENDED, finished_at__lt=before)
        job = ended.select_for_update().only("purged_counts").first()
        if job is None:  # it runs again
            return Purged()
        purged, statuses = _delete(job.messages.filter(status__in=OVER))
        counts = dict(Counter(job.purged_counts) + statuses)
        Job.objects.filter(pk=pk).update(purged_counts=counts)
        crash.point("purged")
    return purged


def _purge_lone(before: datetime.datetime, last: int) -> Purged:
    with transaction.atomic():
        purged, _ = _delete(lone_messages(before, last))
        crash.point("purged")
    return purged


def _delete(messages: MessageQuerySet) -> tuple[Purged, Counter[str]]:
    """Delete a chunk of `messages` with all that hangs on them; their number by status."""
    # Locked, so that no late receipt changes the status that is counted here.
    rows = messages.select_for_update(skip_locked=True).order_by().values_list("id", "status")
    found = dict(rows[:CHUNK])
    ids = list(found)
    _delete_files(ids)
    events, _ = MessageEvent.objects.filter(message__in=ids).delete()
    chosen = Message.objects.filter(pk__in=ids)
    chosen._raw_delete(chosen.db)
    return Purged(len(ids), events), Counter(found.values())


def _delete_files(ids: list[int]) -> None:
    """The files first: after a crash the row is still there, and a row leads to its file."""
    attachments = MessageAttachment.objects.filter(message__in=ids)
    for attachment in attachments:
        attachment.file.delete(save=False)
    attachments.delete()


def _purge_events(before: datetime.datetime) -> Purged:
    old = MessageEvent.objects.filter(at__lt=before).order_by("at")
    ids = list(old.values_list("id", flat=True)[:CHUNK])
    gone, _ = MessageEvent.objects.filter(pk__in=ids).delete() if ids else (0, {})
    return Purged(events=gone)


def _purge_triggers(before: datetime.datetime) -> Purged:
    """Kept as long as messages: so long does a deduplication key hold."""
    old = EventTrigger.objects.filter(at__lt=before).order_by("at")
    ids = list(old.values_list("id", flat=True)[:CHUNK])
    gone, _ = EventTrigger.objects.filter(pk__in=ids).delete() if ids else (0, {})
    return Purged(events=gone)


def _purge_unmatched(before: datetime.datetime) -> Purged:
    old = ReceivedEvent.objects.filter(due_at__isnull=True, received_at__lt=before)
    ids = list(old.order_by("received_at").values_list("id", flat=True)[:CHUNK])
    gone, _ = ReceivedEvent.objects.filter(pk__in=ids).delete() if ids else (0, {})
    return Purged(events=gone)


def _purge_deliveries(before: datetime.datetime) -> Purged:
    old = WebhookDelivery.objects.filter(created_at__lt=before).order_by("created_at")
    ids = list(old.values_list("id", flat=True)[:CHUNK])
    gone, _ = WebhookDelivery.objects.filter(pk__in=ids).delete() if ids else (0, {})
    return Purged(events=gone)


def _purge_replies(before: datetime.datetime) -> Purged:
    return Purged(events=kept_replies.purge(before, CHUNK))
