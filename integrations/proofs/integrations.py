"""Every crash point of a partner's document, and `kill -9` at any moment: nothing lost or twice."""

from __future__ import annotations

import datetime
import random
import time
from collections.abc import Iterator

from django.utils import timezone

from integrations import audit, leases
from integrations.proofs import partners, workers
from integrations.proofs.partners import Partners
from omnichannel import crash
from omnichannel.benchmarks.base import Figure
from omnichannel.proofs.base import ProofOptions, Size, examples

NAME = "integrations"
USUAL = Size(n=4, times=60)  # n: times that each point is passed before the kill, from 1 on
SHORT = Size(n=1, times=8)

LEASE = leases.LEASE + datetime.timedelta(seconds=1)
MERCY = leases.MOST_ATTEMPTS - 2  # kills in a row
SOON = (0.01, 0.4)  # seconds until a kill that no point names


class Clock:
    """Goes on by a lease between two workers."""

    def __init__(self) -> None:
        self.now = timezone.now()

    def later(self) -> datetime.datetime:
        self.now += LEASE
        return self.now


def run(options: ProofOptions) -> Iterator[Figure]:
    began = time.monotonic()
    clock = Clock()
    people = partners.make(clock.now)
    expected: list[str] = []
    kills = 0
    for number, point in enumerate(_points(options.n)):
        expected += partners.put(people, number, clock.now)
        kills += workers.end(workers.start(clock.later(), crash_at=point))
        workers.end(workers.start(clock.later()))
    chance = random.Random(options.seed)
    for number in range(options.times):
        expected += partners.put(people, 1_000 + number, clock.now)
        worker = workers.start(clock.later())
        kills += workers.kill_after(worker, chance.uniform(*SOON))
        if number % MERCY == 0:  # what workers never finish is given up
            _finish(options.processes, clock)
    _finish(options.processes, clock)
    yield from _judged(people, expected, kills, len(_points(options.n)))
    yield Figure("crash.documents_seconds", time.monotonic() - began, "s", len(expected))


def _points(passes: int) -> list[str]:
    return [f"{name}:{count}" for name in crash.DOCUMENT_POINTS for count in range(1, passes + 1)]


def _finish(processes: int, clock: Clock) -> None:
    """What is left, by several workers at once that nobody kills."""
    at = clock.later()
    for worker in [workers.start(at) for _ in range(processes)]:
        workers.end(worker)


def _judged(people: Partners, expected: list[str], kills: int, points: int) -> Iterator[Figure]:
    found = partners.counted(people)
    lost = [subject for subject in expected if not found[subject]]
    lost += list(partners.left(people))
    doubled = [subject for subject, count in found.items() if count > 1]
    doubled += [subject for subject in found if subject not in expected]
    yield Figure(
        "crash.envelopes_lost",
        len(lost),
        "envelopes",
        len(expected),
        at_most=0,
        meaning=examples("A partner's document did not reach the house.", lost),
    )
    yield Figure(
        "crash.envelopes_doubled",
        len(doubled),
        "envelopes",
        len(expected),
        at_most=0,
        meaning=examples("A partner's document reached the house more than once.", doubled),
    )
    faults = list(audit.faults())
    yield Figure(
        "crash.audit_faults",
        len(faults),
        "entries",
        at_most=0,
        meaning=examples("The audit trail is not whole.", faults),
    )
    yield Figure(
        "crash.document_kills",
        kills,
        "kills",
        at_least=points,
        meaning="A worker was not killed at every point: the flows do not pass them.",
    )
