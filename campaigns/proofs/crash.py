"""`kill -9` of a random worker again and again while a campaign is sent."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from campaigns import runner
from campaigns.proofs import campaign as made
from campaigns.proofs.findings import judged
from omnichannel.benchmarks.base import Figure
from omnichannel.benchmarks.smtp_sink import SmtpSink
from omnichannel.choices import EventType, JobStatus, MessageStatus, OnUncertain
from omnichannel.models import Job, MessageEvent
from omnichannel.proofs.base import ENOUGH, ProofFailed, ProofOptions, Size, wait_until
from omnichannel.proofs.crew import SENDING, Crew, keep_periodic
from omnichannel.proofs.oracle import Findings, compare, read_ledger, rows_of

NAME = "crash"
USUAL = Size(n=100_000, times=100)
SHORT = Size(n=2_000, times=8)

BETWEEN = (0.15, 0.45)  # seconds between two kills
SPREAD = 1.3  # how much longer than so many kills the campaign takes, at least
PATIENCE = 3.0  # seconds for a first message since the last kill: a busy machine may need them
MERCY = 3  # times as many kills as asked for, and the rest is sent in peace


def run(options: ProofOptions) -> Iterator[Figure]:
    """Lost, duplicate and uncertain messages after at least `times` kills."""
    path = Path(settings.VAR_DIR) / "ledger"
    keep_periodic(*SENDING)
    audience = made.people(options.n)
    with SmtpSink(ledger=path, rate=_rate(options)) as sink, Crew(options.processes) as crew:
        began = time.monotonic()
        job = _start(audience, sink.port, options)
        wait_until(lambda: path.stat().st_size > 0, "The first message", seconds=ENOUGH)
        kills = _kill(job, crew, path, options)
        _wait(job, crew, options)
        seconds = time.monotonic() - began
    found = compare(rows_of(job), read_ledger(path), made.recipients(audience))
    allowed = 0 if options.policy == OnUncertain.HOLD else options.connections * kills
    yield from judged(NAME, found, duplicates=allowed)
    yield from _of_kills(found, _uncertain(job, found), kills, options)
    yield Figure("crash.seconds", seconds, "s", options.n, seconds)
    yield Figure("crash.messages_per_s", options.n / seconds, "messages/s", options.n, seconds)


def _rate(options: ProofOptions) -> float:
    """Messages per second of the sink, so that the campaign outlasts the kills."""
    return options.n / (options.times * sum(BETWEEN) / 2 * SPREAD)


def _start(audience: made.Audience, port: int, options: ProofOptions) -> Job:
    provider = made.smtp_provider(
        port,
        connections=options.connections,
        on_uncertain=options.policy,
        pool_time_retry=timedelta(seconds=1),
        retry_max_attempt=100,
    )
    return runner.start(made.campaign(audience, provider), by=None, at=timezone.now())


def _kill(job: Job, crew: Crew, ledger: Path, options: ProofOptions) -> int:
    """Kill until the campaign is over; answer how often."""
    chance = random.Random(options.seed)
    for number in range(MERCY * options.times):
        size = ledger.stat().st_size
        time.sleep(chance.uniform(*BETWEEN))
        _wait_for_more(ledger, size)
        if _is_finished(job):
            return number
        crew.kill_one(chance)
    return MERCY * options.times


def _wait_for_more(ledger: Path, size: int) -> None:
    """Those who are killed before they send anything prove nothing."""
    until = time.monotonic() + PATIENCE
    while ledger.stat().st_size <= size and time.monotonic() < until:
        time.sleep(0.005)


def _is_finished(job: Job) -> bool:
    return Job.objects.filter(pk=job.pk, status=JobStatus.FINISHED).exists()


def _wait(job: Job, crew: Crew, options: ProofOptions) -> None:
    """Until the campaign is over, and with it what is sent again."""

    open_ones = MessageStatus.pending()
    if options.policy == OnUncertain.RETRY:
        open_ones = (*open_ones, MessageStatus.UNCERTAIN)
    left = job.messages.filter(status__in=open_ones)

    def is_over() -> bool:
        return _is_finished(job) and not left.exists()

    try:
        wait_until(is_over, "The end of the campaign", seconds=ENOUGH + options.n / 50, every=0.25)
    except ProofFailed as error:
        counts = Counter(job.messages.values_list("status", flat=True))
        raise ProofFailed(f"{error} {dict(counts)}\n{crew.last_words()}") from error


def _uncertain(job: Job, found: Findings) -> int:
    """How often a message became uncertain."""
    events = MessageEvent.objects.filter(message__job=job, type=EventType.UNKNOWN).count()
    return max(events, found.counts[MessageStatus.UNCERTAIN])


def _of_kills(
    found: Findings, uncertain: int, kills: int, options: ProofOptions
) -> Iterator[Figure]:
    is_hold = options.policy == OnUncertain.HOLD
    duplicates, share = len(found.duplicates), max(kills, 1)
    yield Figure(
        "crash.duplicates_per_kill",
        duplicates / share,
        "messages",
        kills,
        at_most=0 if is_hold else options.connections,
        meaning="More was sent twice than can have been on the wire.",
    )
    yield Figure(
        "crash.uncertain_per_kill",
        uncertain / share,
        "messages",
        kills,
        at_most=2 * options.connections,
        meaning="More became uncertain than can have been on the wire.",
    )
    yield Figure(
        "crash.kills",
        kills,
        "kills",
        at_least=options.times,
        meaning="The campaign was over before all kills were done: ask for more messages.",
    )
