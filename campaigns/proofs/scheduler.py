"""Several schedulers at once by mistake: beats with their broker, and embedded workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks

from campaigns import runner
from campaigns.choices import CampaignStatus
from campaigns.models import Audience, Campaign
from campaigns.proofs import campaign as made
from omnichannel.benchmarks.base import Figure
from omnichannel.benchmarks.smtp_sink import SmtpSink
from omnichannel.models import ChannelProvider
from omnichannel.proofs.base import ENOUGH, ProofFailed, ProofOptions, Size, examples, wait_until
from omnichannel.proofs.brokers import Redis, installed
from omnichannel.proofs.crew import Crew
from omnichannel.proofs.oracle import compare, of_job, read_ledger, rows_of
from omnichannel.proofs.processes import Celery

NAME = "scheduler"
USUAL = Size(n=3_000, times=60)  # times: slots of each round, one campaign a slot
SHORT = Size(n=200, times=10)

ROUNDS = (2, 5)  # schedulers at once
SLOT = timedelta(seconds=0.5)  # between two starts
TICK = 250_000  # microseconds between two looks for campaigns that are due
SOON = timedelta(seconds=6)  # before the first slot: all schedulers are up by then
QUEUES = "otp,transactional,promotional,default"


@dataclass
class Seen:
    double: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    late: list[float] = field(default_factory=list)  # seconds from a slot to its start
    beats: int = 0


def run(options: ProofOptions) -> Iterator[Figure]:
    """Slots and messages that came twice or not at all."""
    _tick_often()
    path = Path(settings.VAR_DIR) / "ledger"
    audience, seen = made.people(max(5, options.n // options.times)), Seen()
    with SmtpSink(ledger=path) as sink:
        provider = made.smtp_provider(sink.port)
        for count in ROUNDS:
            beats = count // 2 if Redis in installed() else 0
            seen.beats = max(seen.beats, beats)
            with _beats(beats), Crew(count - beats):
                campaigns = _schedule(audience, provider, options.times)
                _wait_for_ends(campaigns, options)
                _judge_starts(campaigns, seen)
    _judge_messages(audience, path, seen)
    yield from _figures(seen, len(ROUNDS) * options.times)


def _tick_often() -> None:
    """Short intervals: the more often all schedulers fire, the more often at the same time."""
    often, _ = IntervalSchedule.objects.get_or_create(
        every=TICK, period=IntervalSchedule.MICROSECONDS
    )
    for name in ("start_due_campaigns", "expand_jobs", "send_promotional"):
        PeriodicTask.objects.filter(task__endswith=name).update(interval=often)
    PeriodicTasks.update_changed()


@contextmanager
def _beats(count: int) -> Iterator[None]:
    """So many beats on one broker, and a worker for what they send."""
    if not count:
        yield
        return
    with Redis() as broker, Celery(broker.url) as celery:
        celery.worker("worker", QUEUES, 4)
        for number in range(count):
            celery.beat(f"beat{number}")
        yield


def _schedule(audience: Audience, provider: ChannelProvider, slots: int) -> list[Campaign]:
    at = timezone.now()
    campaigns = []
    for number in range(slots):
        campaign = made.campaign(audience, provider, starts_at=at + SOON + number * SLOT)
        runner.schedule(campaign, at=timezone.now())
        campaigns.append(campaign)
    return campaigns


def _wait_for_ends(campaigns: list[Campaign], options: ProofOptions) -> None:
    """A slot that never comes is a slot that was missed, so this ends in any case."""
    names = [campaign.pk for campaign in campaigns]
    left = Campaign.objects.filter(pk__in=names).exclude(status=CampaignStatus.FINISHED)
    try:
        wait_until(
            lambda: not left.exists(),
            "The end of all campaigns",
            seconds=ENOUGH + 2 * options.times,
        )
    except ProofFailed:
        return


def _judge_starts(campaigns: list[Campaign], seen: Seen) -> None:
    for campaign in campaigns:
        jobs = list(campaign.jobs().order_by("id"))
        if not jobs:
            campaign.refresh_from_db()
            seen.missed.append(f"{campaign} is {campaign.status} {campaign.trouble}".strip())
        elif jobs[0].started_at and campaign.starts_at:
            seen.late.append((jobs[0].started_at - campaign.starts_at).total_seconds())
        seen.double += [f"{campaign} was started {len(jobs)} times"] * (len(jobs) - 1)


def _judge_messages(audience: Audience, path: Path, seen: Seen) -> None:
    ledger = read_ledger(path)
    recipients = list(made.recipients(audience))
    for campaign in Campaign.objects.all():
        for job in campaign.jobs():
            rows = rows_of(job)
            found = compare(rows, of_job(ledger, rows), recipients)
            seen.double += [f"{campaign}: {case}" for case in found.duplicates]
            seen.missed += [f"{campaign}: {case}" for case in found.lost + found.contradicted]


def _figures(seen: Seen, slots: int) -> Iterator[Figure]:
    yield Figure(
        "scheduler.double",
        len(seen.double),
        "times",
        slots,
        at_most=0,
        meaning=examples("Something happened twice.", seen.double),
    )
    yield Figure(
        "scheduler.missed",
        len(seen.missed),
        "times",
        slots,
        at_most=0,
        meaning=examples("Something did not happen.", seen.missed),
    )
    yield Figure("scheduler.slots", slots, "slots", slots)
    yield Figure("scheduler.schedulers", max(ROUNDS), "schedulers", slots)
    yield Figure("scheduler.beats", seen.beats, "schedulers", slots)
    yield Figure("scheduler.latest_s", max(seen.late, default=0), "s", len(seen.late))
