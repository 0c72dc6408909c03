"""The broker is emptied, frozen and killed while campaigns are sent by Celery's workers."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from campaigns import runner
from campaigns.models import Audience
from campaigns.proofs import campaign as made
from campaigns.proofs.findings import judged
from omnichannel.benchmarks.base import Figure
from omnichannel.benchmarks.smtp_sink import SmtpSink
from omnichannel.choices import JobStatus, MessageStatus
from omnichannel.models import ChannelProvider, Job
from omnichannel.proofs.base import ENOUGH, ProofFailed, ProofOptions, Size, wait_until
from omnichannel.proofs.brokers import Broker, installed
from omnichannel.proofs.crew import SENDING, keep_periodic
from omnichannel.proofs.oracle import Arrival, Findings, compare, of_job, read_ledger, rows_of
from omnichannel.proofs.processes import Celery

NAME = "broker"
USUAL = Size(n=24_000, times=6)  # of each broker
SHORT = Size(n=1_200, times=3)

QUEUES = ("promotional", "default")
LASTS = 4  # seconds that one campaign takes, at least
REFILL = 5.0  # seconds after the broker's return within which messages go again
PATIENCE = 3  # times as long in the short form, which runs beside other things


@dataclass
class Seen:
    stalls: list[float] = field(default_factory=list)  # from a start to its first message
    refills: list[float] = field(default_factory=list)  # from the broker's return to that
    jobs: list[Job] = field(default_factory=list)


@contextmanager
def emptied(broker: Broker, chance: random.Random) -> Iterator[None]:
    """All that is queued is gone, several times in a row."""
    yield
    for _ in range(5):
        broker.empty(QUEUES)
        time.sleep(chance.uniform(0.05, 0.3))


@contextmanager
def frozen(broker: Broker, chance: random.Random) -> Iterator[None]:
    """Nothing is answered, and no connection ends either."""
    broker.freeze()
    yield
    time.sleep(chance.uniform(2, 4))
    broker.thaw()


@contextmanager
def killed(broker: Broker, chance: random.Random) -> Iterator[None]:
    broker.kill()
    yield
    time.sleep(chance.uniform(0.5, 2))
    broker.start()


WAYS = (emptied, frozen, killed)


def run(options: ProofOptions) -> Iterator[Figure]:
    """What was lost and what came twice, and how long messages waited."""
    kinds = installed()
    if not kinds:
        raise ProofFailed("Neither redis-server nor rabbitmq-server is installed here.")
    keep_periodic(*SENDING)
    path = Path(settings.VAR_DIR) / "ledger"
    size = max(20, options.n // (2 * options.times * len(kinds)))
    audience, seen = made.people(size), Seen()
    with SmtpSink(ledger=path, rate=size / LASTS) as sink:
        provider = made.smtp_provider(sink.port, connections=options.connections, bulk_no=20)
        campaigns = Campaigns(audience, provider, seen)
        for kind in kinds:
            with kind() as broker, _hired(broker, options) as celery:
                _break(broker, celery, campaigns, options)
    ledger = read_ledger(path)
    yield from judged(NAME, _together(seen.jobs, ledger, list(made.recipients(audience))))
    yield from _of_times(seen, options.times * len(kinds), options.is_short)


def _hired(broker: Broker, options: ProofOptions) -> Celery:
    celery = Celery(broker.url)
    celery.worker(f"{broker.name}-promotional", "promotional", options.processes)
    celery.worker(f"{broker.name}-ticks", "default", 2)
    celery.beat(f"{broker.name}-beat")
    return celery


@dataclass
class Campaigns:
    audience: Audience
    provider: ChannelProvider
    seen: Seen

    def start(self) -> Job:
        campaign = made.campaign(self.audience, self.provider)
        job = runner.start(campaign, by=None, at=timezone.now())
        self.seen.jobs.append(job)
        return job

    def wait_for_first_message(self, job: Job) -> None:
        sent = job.messages.filter(status=MessageStatus.SENT)
        wait_until(sent.exists, "The first message", seconds=ENOUGH, every=0.05)

    def wait_for_ends(self) -> None:
        active = Job.objects.filter(status__in=JobStatus.active())
        wait_until(lambda: not active.exists(), "The end of the campaigns", seconds=ENOUGH)


def _break(broker: Broker, celery: Celery, campaigns: Campaigns, options: ProofOptions) -> None:
    """Each time one campaign is under way, and another one begins while nobody rings."""
    chance, seen = random.Random(options.seed), campaigns.seen
    try:
        for number in range(options.times):
            campaigns.wait_for_first_message(campaigns.start())
            with WAYS[number % len(WAYS)](broker, chance):
                began = time.monotonic()
                waiting = campaigns.start()
            returned = time.monotonic()
            campaigns.wait_for_first_message(waiting)
            seen.stalls.append(time.monotonic() - began)
            seen.refills.append(time.monotonic() - returned)
            campaigns.wait_for_ends()
    except ProofFailed as error:
        raise ProofFailed(f"{error}\n{celery.last_words()}") from error


def _together(jobs: list[Job], ledger: Counter[Arrival], recipients: list[str]) -> Findings:
    total = Findings()
    for job in jobs:
        rows = rows_of(job)
        total.add(compare(rows, of_job(ledger, rows), recipients))
    return total


def _of_times(seen: Seen, breakages: int, is_short: bool) -> Iterator[Figure]:
    yield Figure("broker.breakages", len(seen.stalls), "breakages", at_least=breakages)
    yield Figure("broker.longest_stall_s", max(seen.stalls, default=0), "s", len(seen.stalls))
    yield Figure(
        "broker.refill_s",
        max(seen.refills, default=0),
        "s",
        len(seen.refills),
        at_most=REFILL * PATIENCE if is_short else REFILL,
        meaning="After the broker's return messages waited longer than promised.",
    )
