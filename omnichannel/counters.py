"""Counts that are stored beside the rows they count, compared with these rows.

Every app may have a `counters` module with `differences()`: `manage.py reconcile` asks them all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, Q

from omnichannel import outbox
from omnichannel.choices import JobStatus, MessageStatus
from omnichannel.models import Job, Message


@dataclass(frozen=True)
class Difference:
    """A stored number that is not what its rows say."""

    name: str  # of the counter, such as "job 7 Spring: expanded"
    stored: int
    counted: int
    fix: Callable[[], object]  # corrects it, unless it moved on meanwhile

    def __str__(self) -> str:
        return f"{self.name} is {self.stored:,}, its rows say {self.counted:,}"


def differences() -> Iterator[Difference]:
    """One job after the other: no more than one is held in memory."""
    for job in Job.objects.order_by("pk").iterator():
        yield from _expanded(job)
    yield from _finished_too_early()
    yield from _retries()


def rows_of(job: Job) -> int:
    """How many messages the job has got, those that retention has deleted included."""
    return job.messages.order_by().count() + int(getattr(job, "purged", 0))


def _expanded(job: Job) -> Iterator[Difference]:
    # Read in one statement with its rows: a page being written meanwhile is in both or in neither.
    counted = rows_of(job)
    if counted == job.expanded:
        return
    now = Job.objects.get(pk=job.pk)
    counted = rows_of(now)
    if counted != now.expanded and now.expanded == job.expanded:
        mine = Job.objects.filter(pk=job.pk, expanded=now.expanded)
        yield Difference(
            f"job {job.pk} “{job}”: expanded",
            now.expanded,
            counted,
            lambda: mine.update(expanded=counted),
        )


def _finished_too_early() -> Iterator[Difference]:
    pending = Message.objects.filter(job=OuterRef("pk"), status__in=MessageStatus.pending())
    for job in Job.objects.filter(Exists(pending), status=JobStatus.FINISHED).order_by("pk"):
        number = job.messages.filter(status__in=MessageStatus.pending()).order_by().count()
        name = f"job {job.pk} “{job}” is finished: what it says is pending"
        yield Difference(name, 0, number, _run_on(job.pk))


def _run_on(job: int) -> Callable[[], object]:
    return lambda: outbox.run_on([job])


def _retries() -> Iterator[Difference]:
    """Retry Attempt is the attempts after the first one."""
    first = Message.objects.filter(attempts=0).exclude(retry_attempt=0)
    later = Message.objects.filter(~Q(retry_attempt=F("attempts") - 1), attempts__gt=0)
    for rows, right in ((first, 0), (later, F("attempts") - 1)):
        number = rows.order_by().count()
        if number:
            name = "messages whose Retry Attempt does not fit their attempts: the number"
            fix = functools.partial(rows.order_by().update, retry_attempt=right)
            yield Difference(name, number, 0, fix)
