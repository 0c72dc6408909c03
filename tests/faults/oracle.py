"""Compares what a provider took with what the database says, invariant by invariant.

I1 no silent loss, I2 few enough duplicates, I3 nothing after a cancel, I4 nothing to a suppressed
address, I5 counters, I6 windows and expiry, I7 attempts and their gaps, I8 legal states, I9 one
key, I10 receipts twice, I11 drained.
"""

from __future__ import annotations

import datetime
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from django.db.models import Count

from omnichannel.choices import ARROWS, JobStatus, MessageStatus
from omnichannel.models import Job, Message, MessageEvent, Suppression
from omnichannel.windows import is_open
from tests.faults import ledger

GRACE = 2.0  # seconds that a message may still take after a cancel
AT_AN_END = {"failed", "expired", "cancelled", "suppressed"}
NOTE_ONLY = {"opened", "clicked", "complained", "unsubscribed", "subscribed", "queued"}


class Oracle:
    """`duplicates`: how many are allowed. `may_wait`: not everything has to be settled yet."""

    def __init__(self, path: Path, *, duplicates: int = 0, may_wait: bool = False) -> None:
        self.entries = [entry for entry in ledger.read(path) if entry.kind == "accepted"]
        self.taken = Counter(entry.key for entry in self.entries)
        self.duplicates = duplicates
        self.may_wait = may_wait
        self.messages = list(Message.objects.select_related("provider", "lane", "job"))
        self.events = defaultdict(list)
        for event in MessageEvent.objects.order_by("id"):
            self.events[event.message_id].append(event)

    def complaints(self) -> list[str]:
        """What does not hold, each with its invariant; empty when all is well."""
        found = [*self.overall()]
        for message in self.messages:
            for check in self.of_one():
                found += [f"{says}: {message.to_address}" for says in check(message)]
        return found

    def of_one(self) -> tuple[Callable[[Message], Iterable[str]], ...]:
        return (self.lost, self.in_time, self.attempts, self.states)

    def overall(self) -> Iterable[str]:
        repeated = sum(times - 1 for times in self.taken.values())
        if repeated > self.duplicates:
            yield f"I2 {repeated} duplicates, {self.duplicates} allowed"
        yield from self.cancelled()
        yield from self.suppressed()
        yield from self.counters()
        yield from self.keys()
        waiting = [row for row in self.messages if row.status in MessageStatus.pending()]
        if waiting and not self.may_wait:
            yield f"I11 {len(waiting)} messages still wait"

    def lost(self, message: Message) -> Iterable[str]:
        was_taken = self.taken[str(message.key)]
        if message.status in MessageStatus.taken() and not was_taken:
            yield f"I1 {message.status}, but its provider never took it"
        if message.status in ("expired", "cancelled", "suppressed") and was_taken:
            yield f"I1 {message.status}, but its provider took it"
        if message.status in MessageStatus.pending() and was_taken and not self.duplicates:
            yield f"I1 {message.status}, but its provider took it"
        if message.status in ("failed", "expired", "suppressed") and not message.error_message:
            yield f"I1 {message.status} without a reason"

    def cancelled(self) -> Iterable[str]:
        ends = dict(Job.objects.filter(status=JobStatus.CANCELLED).values_list("id", "finished_at"))
        jobs = {str(row.key): ends.get(row.job_id) for row in self.messages}
        for entry in self.entries:
            end = jobs.get(entry.key)
            if end and entry.at > end.timestamp() + GRACE:
                yield f"I3 taken after its job was cancelled: {entry.to}"

    def suppressed(self) -> Iterable[str]:
        since = dict(Suppression.objects.values_list("address", "created_at"))
        for entry in self.entries:
            if entry.to in since and entry.at > since[entry.to].timestamp() + GRACE:
                yield f"I4 taken after its address was suppressed: {entry.to}"

    def counters(self) -> Iterable[str]:
        for key in self.taken.keys() - {str(row.key) for row in self.messages}:
            yield f"I5 taken, but not in the queue: {key}"
        for job in Job.objects.annotate(written=Count("messages")).filter(expanded__gt=0):
            if job.written != job.expanded:
                yield f"I5 {job.expanded} counted as written, {job.written} there"

    def in_time(self, message: Message) -> Iterable[str]:
        provider, lane = message.provider, message.lane
        windows = [(row.interval_min, row.interval_max) for row in (message, provider, lane)]
        for event in self.events[message.pk]:
            if event.type != "sent":
                continue
            if message.expires_at and event.at > message.expires_at + datetime.timedelta(seconds=1):
                yield "I6 sent after its end"
            if not all(is_open(event.at, *window) for window in windows):
                yield "I6 sent outside a window"

    def attempts(self, message: Message) -> Iterable[str]:
        if message.attempts > 1 + message.retries_allowed:
            yield f"I7 {message.attempts} attempts"
        tried = [event.at for event in self.events[message.pk] if event.type not in NOTE_ONLY]
        wait = message.retry_wait if message.attempts == len(tried) else datetime.timedelta(0)
        for earlier, later in itertools.pairwise(tried):
            if later - earlier < wait:
                yield f"I7 tried again after {later - earlier}"

    def states(self, message: Message) -> Iterable[str]:
        walk = [event.status for event in self.events[message.pk] if event.type not in NOTE_ONLY]
        for source, target in itertools.pairwise([*walk, message.status]):
            if source != target and target not in reachable(source):
                yield f"I8 from {source} to {target}"

    def keys(self) -> Iterable[str]:
        used = defaultdict(set)
        for row in self.messages:
            used[str(row.key)].add(row.to_address)
        for entry in self.entries:
            if entry.to not in used.get(entry.key, {entry.to}):
                yield f"I9 the key of another message: {entry.to}"


def reachable(status: str) -> set[str]:
    """Every status that arrows lead to from this one, without an operator's requeue."""
    found: set[str] = set()
    wanted = [status]
    while wanted:
        source = wanted.pop()
        for target in ARROWS[source] - found - ({"new"} if source in AT_AN_END else set()):
            found.add(target)
            wanted.append(target)
    return found


def complaints(path: Path, **options) -> list[str]:
    return Oracle(path, **options).complaints()


def snapshot() -> list[tuple]:
    """All that receipts may change, for I10: told twice, it must stay the same."""
    rows = Message.objects.order_by("id").values_list("status", "error_code", "error_message")
    return [*rows, MessageEvent.objects.count()]
