"""Pause, resume and cancel at random moments of a campaign that is being sent."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from campaigns import runner
from campaigns.choices import CampaignStatus
from campaigns.models import Campaign
from campaigns.proofs import campaign as made
from campaigns.proofs.findings import judged
from omnichannel.benchmarks.base import Figure
from omnichannel.benchmarks.smtp_sink import SmtpSink
from omnichannel.choices import MessageStatus
from omnichannel.exceptions import IllegalTransition
from omnichannel.models import Job
from omnichannel.proofs.base import ENOUGH, ProofOptions, Size, examples, wait_until
from omnichannel.proofs.crew import SENDING, Crew, keep_periodic
from omnichannel.proofs.oracle import Arrival, compare, of_job, read_ledger, rows_of
from omnichannel.proofs.watch import Growth, watch_it_stop

NAME = "pause"
USUAL = Size(n=20_000, times=30)
SHORT = Size(n=2_000, times=4)

CLAIM = 100  # messages of one step: what may still go after a pause, for each process
PROMISED = 2.0  # seconds after which nothing goes any more
BETWEEN = (0.2, 1.0)  # seconds of sending between a start or resume and the next pause
QUICK = 0.25  # the share of the pauses that are taken back before anything could settle
PAUSES_PER_CANCEL = 4
SPREAD = 1.5  # how much longer than all that the sending takes, at least


@dataclass
class Seen:
    """What came after each pause and cancel had returned."""

    pauses: list[Growth] = field(default_factory=list)
    cancels: list[Growth] = field(default_factory=list)
    quick: int = 0
    in_hand: int = 0  # messages a worker still had when all was quiet


def run(options: ProofOptions) -> Iterator[Figure]:
    """How soon a pause holds, and whether every message goes once in spite of all of them."""
    path = Path(settings.VAR_DIR) / "ledger"
    chance, seen = random.Random(options.seed), Seen()
    keep_periodic(*SENDING)
    audience = made.people(options.n)
    with SmtpSink(ledger=path, rate=_rate(options)) as sink, Crew(options.processes):
        provider = made.smtp_provider(sink.port, connections=options.connections, bulk_no=CLAIM)
        campaign = made.campaign(audience, provider)
        whole = _start(campaign, path)
        with suppress(IllegalTransition):  # it was over before all pauses, which is reported
            for _ in range(options.times):
                _pause(campaign, path, chance, seen)
        _wait_for_end(campaign, options)
        cancelled = [
            _run_and_cancel(campaign, path, chance, seen)
            for _ in range(max(2, options.times // PAUSES_PER_CANCEL))
        ]
    ledger = read_ledger(path)
    rows = rows_of(whole)
    found = compare(rows, of_job(ledger, rows), made.recipients(audience))
    yield from judged(NAME, found)
    yield Figure(
        "pause.uncertain",
        found.counts[MessageStatus.UNCERTAIN],
        "messages",
        at_most=0,
        meaning="Nothing was killed, and yet it is not known what arrived.",
    )
    yield from _of_cancelled(cancelled, ledger)
    yield from _of_times(seen, options)


def _rate(options: ProofOptions) -> float:
    """Messages per second of the sink, so that every pause meets a campaign under way."""
    return options.n / (options.times * sum(BETWEEN) / 2 * SPREAD)


def _start(campaign: Campaign, path: Path) -> Job:
    """Start a run and wait for its first message."""
    size = path.stat().st_size
    job = runner.start(campaign, by=None, at=timezone.now())
    wait_until(lambda: path.stat().st_size > size, "The first message", seconds=ENOUGH, every=0.01)
    return job


def _pause(campaign: Campaign, path: Path, chance: random.Random, seen: Seen) -> None:
    time.sleep(chance.uniform(*BETWEEN))
    runner.pause(campaign, at=timezone.now())
    if chance.random() < QUICK:
        time.sleep(chance.uniform(0, 0.3))
        seen.quick += 1
    else:
        seen.pauses.append(_watch(path))
        seen.in_hand += campaign.jobs()[0].messages.filter(status=MessageStatus.SENDING).count()
    runner.resume(campaign, at=timezone.now())


def _watch(path: Path) -> Growth:
    return watch_it_stop(path, at_least=PROMISED + 0.5, at_most=5 * PROMISED)


def _wait_for_end(campaign: Campaign, options: ProofOptions) -> None:
    def is_over() -> bool:
        # Its job is finished a little before it is.
        return Campaign.objects.filter(pk=campaign.pk, status=CampaignStatus.FINISHED).exists()

    wait_until(is_over, "The end of the campaign", seconds=ENOUGH + options.n / 50)


def _run_and_cancel(campaign: Campaign, path: Path, chance: random.Random, seen: Seen) -> Job:
    """One more run, cancelled while it is sent or, once in a while, while it is paused."""
    job = _start(campaign, path)
    time.sleep(chance.uniform(*BETWEEN))
    if chance.random() < QUICK:
        runner.pause(campaign, at=timezone.now())
    runner.cancel(campaign, at=timezone.now())
    seen.cancels.append(_watch(path))
    left = job.messages.filter(status__in=MessageStatus.pending())
    wait_until(lambda: not left.exists(), "The end of a cancelled run", seconds=ENOUGH)
    return job


def _of_cancelled(jobs: list[Job], ledger: Counter[Arrival]) -> Iterator[Figure]:
    """What was sent has arrived, once; what was cancelled has not."""
    wrong: list[str] = []
    for job in jobs:
        rows = rows_of(job)
        found = compare(rows, of_job(ledger, rows), [row.recipient for row in rows])
        wrong += found.lost + found.duplicates + found.contradicted
    yield Figure(
        "pause.cancel_differences",
        len(wrong),
        "messages",
        len(jobs),
        at_most=0,
        meaning=examples("The rows of a cancelled run are not what arrived.", wrong),
    )


def _of_times(seen: Seen, options: ProofOptions) -> Iterator[Figure]:
    yield from _of_growths("pause.seconds", "pause.messages_after", seen.pauses, options)
    yield from _of_growths(
        "pause.cancel_seconds", "pause.cancel_messages_after", seen.cancels, options
    )
    yield Figure(
        "pause.in_hand",
        seen.in_hand,
        "messages",
        at_most=0,
        meaning="A worker kept messages of a paused campaign in its hands.",
    )
    yield Figure(
        "pause.pauses",
        len(seen.pauses) + seen.quick,
        "pauses",
        at_least=options.times,
        meaning="The campaign was over before all pauses were done: ask for more messages.",
    )


def _of_growths(
    seconds: str, messages: str, growths: list[Growth], options: ProofOptions
) -> Iterator[Figure]:
    """The worst of all."""
    yield Figure(
        seconds,
        max((growth.seconds for growth in growths), default=0),
        "s",
        len(growths),
        at_most=PROMISED,
        meaning="Messages still went after it.",
    )
    yield Figure(
        messages,
        max((growth.lines for growth in growths), default=0),
        "messages",
        len(growths),
        at_most=CLAIM * options.processes,
        meaning="More still went than the workers had in their hands.",
    )
