"""How far runs have come: their counts, their samples over time, and their end."""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from campaigns import cancelling, open_days, resending
from campaigns.choices import CampaignStatus
from campaigns.models import Campaign, CampaignRun
from omnichannel import notices, outbox
from omnichannel.choices import JobStatus, MessageStatus, WebhookEvent
from omnichannel.models import Job, JobSample, Message

SAMPLE_SECONDS = 2
# Counting a big job costs more: it is counted less often.
BIG_JOB = 200_000
BIG_SAMPLE_SECONDS = 10
CANCEL_SECONDS = 5
RESEND_SECONDS = 5
# An ended run is counted again for so long, this often: reports come in late.
RECOUNTED = datetime.timedelta(days=7)
RECOUNT_SECONDS = 60
BIG_RECOUNT_SECONDS = 600
RATE_WINDOW = datetime.timedelta(seconds=30)

# What a job's status means for its campaign.
CAMPAIGN_OF_JOB = {
    JobStatus.PREPARING: CampaignStatus.RUNNING,
    JobStatus.RUNNING: CampaignStatus.RUNNING,
    JobStatus.PAUSED: CampaignStatus.PAUSED,
    JobStatus.FINISHED: CampaignStatus.FINISHED,
    JobStatus.CANCELLED: CampaignStatus.CANCELLED,
}


@dataclass(frozen=True)
class Figures:
    """The messages of one run by status, and what of it has no message yet.

    Always: taken + failed + expired + suppressed + cancelled + uncertain + pending + unwritten
    = total, the recipients of the run.
    """

    by_status: dict[str, int] = field(default_factory=dict)
    unwritten: int = 0  # recipients whose message is not written yet
    left_out: int = 0  # records without an address, repeated or removed

    def of(self, *statuses: str) -> int:
        return sum(self.by_status.get(status, 0) for status in statuses)

    @property
    def pending(self) -> int:
        return self.of(*MessageStatus.pending())

    @property
    def taken(self) -> int:
        return self.of(*MessageStatus.taken())

    @property
    def failed(self) -> int:
        return self.of(MessageStatus.FAILED)

    @property
    def expired(self) -> int:
        return self.of(MessageStatus.EXPIRED)

    @property
    def suppressed(self) -> int:
        return self.of(MessageStatus.SUPPRESSED)

    @property
    def cancelled(self) -> int:
        return self.of(MessageStatus.CANCELLED)

    @property
    def uncertain(self) -> int:
        return self.of(MessageStatus.UNCERTAIN)

    @property
    def sampled(self) -> tuple[int, int, int]:
        """What a sample keeps: taken, failed or expired, waiting."""
        return self.taken, self.failed + self.expired, self.pending + self.unwritten

    @property
    def written(self) -> int:
        return sum(self.by_status.values())

    @property
    def total(self) -> int:
        return self.written + self.unwritten

    @property
    def done(self) -> int:
        return self.written - self.pending

    @property
    def percent(self) -> float:
        """0 to 100; 100 only when nothing is left to do."""
        if not self.total:
            return 0.0
        share = 100 * self.done / self.total
        return share if self.done == self.total else min(share, 99.9)


def figures(run: CampaignRun) -> Figures:
    """Counted afresh: one grouped query over the job's index."""
    left_out = run.without_address + run.repeated + run.removed
    unwritten = 0
    if run.written_at is None and run.job.status in JobStatus.active():
        unwritten = max(0, run.job.expected - run.job.expanded - left_out)
    return Figures(by_status=run.job.counts(), unwritten=unwritten, left_out=left_out)


def recent_figures(run: CampaignRun) -> Figures:
    """The same, at most a few seconds old, however many pages ask."""
    seconds = sample_seconds(run.job)
    found = cache.get_or_set(f"figures:{run.pk}:{run.job.status}", lambda: figures(run), seconds)
    return found or Figures()


def sample_seconds(job: Job) -> int:
    return BIG_SAMPLE_SECONDS if job.expanded > BIG_JOB else SAMPLE_SECONDS


def rate_of(job: Job) -> float:
    """Messages finished per second over the last samples."""
    newest = job.samples.order_by("-at").first()
    if newest is None:
        return 0.0
    window = max(RATE_WINDOW, datetime.timedelta(seconds=3 * sample_seconds(job)))
    oldest = job.samples.filter(at__gte=newest.at - window).order_by("at").first()
    seconds = (newest.at - oldest.at).total_seconds() if oldest else 0.0
    if oldest is None or seconds <= 0:
        return 0.0
    done = newest.taken + newest.failed - oldest.taken - oldest.failed
    return max(0.0, done / seconds)


def follow(at: datetime.datetime) -> int:
    """Sample every run that is not over and finish those that are; answer how many ended."""
    open_days.follow(at)
    cancelling.go_on(at=at, until=time.monotonic() + CANCEL_SECONDS)
    resending.go_on(at=at, until=time.monotonic() + RESEND_SECONDS)
    followed = Q(job__status__in=JobStatus.active()) | Q(
        job__status=JobStatus.CANCELLED, job__finished_at__gte=at - cancelling.SWEEP_TIME
    )
    ended = 0
    for run in CampaignRun.objects.filter(followed).select_related("job", "campaign"):
        ended += _follow(run, at)
    recount_ended(at)
    _align_campaigns()
    return ended


def _follow(run: CampaignRun, at: datetime.datetime) -> bool:
    job = run.job
    latest = list(job.samples.order_by("-at")[:2])
    if latest and (at - latest[0].at).total_seconds() < sample_seconds(job) - 0.5:
        return False
    if job.status == JobStatus.CANCELLED and latest and not latest[0].pending:
        return False
    found = figures(run)
    _sample(job, found, latest, at)
    is_over = run.written_at is not None and run.resend_before is None and not found.pending
    return is_over and run.campaign.status != CampaignStatus.CANCELLED and finish(run, at)


def _sample(job: Job, found: Figures, latest: list[JobSample], at: datetime.datetime) -> None:
    """Keep a point of the chart. While nothing changes, the last point moves along."""
    now = found.sampled
    same = [sample for sample in latest if now == (sample.taken, sample.failed, sample.pending)]
    if len(same) < 2 and not (same and job.status == JobStatus.CANCELLED):
        taken, failed, pending = now
        JobSample.objects.create(job=job, at=at, taken=taken, failed=failed, pending=pending)
    elif job.status != JobStatus.CANCELLED:
        JobSample.objects.filter(pk=latest[0].pk).update(at=at)


def finish(run: CampaignRun, at: datetime.datetime) -> bool:
    """End a run that has nothing pending left; False when it was ended otherwise."""
    pending = Message.objects.filter(job=OuterRef("pk"), status__in=MessageStatus.pending())
    # Counting took a while: some may have been put back since.
    over = Job.objects.filter(~Exists(pending), pk=run.job_id, status__in=JobStatus.active())
    with transaction.atomic():
        if not over.update(status=JobStatus.FINISHED, finished_at=at):
            return False
        notices.say(WebhookEvent.CAMPAIGN_FINISHED, partial(_told, run), at=at)
    return True


def _told(run: CampaignRun) -> dict[str, Any]:
    """What other systems are told of a run's end."""
    counts = run.job.counts()
    return {
        "campaign": {"id": run.campaign_id, "name": run.campaign.name},
        "job": str(run.job.key),
        "messages": sum(counts.values()),
        "by_status": counts,
    }


def recount_ended(at: datetime.datetime) -> None:
    """Keep the last samples of ended runs true: reports and operators still change messages."""
    if not cache.add("recounted", True, RECOUNT_SECONDS):
        return
    ended = CampaignRun.objects.filter(
        job__status__in=(JobStatus.FINISHED, JobStatus.CANCELLED),
        job__finished_at__gte=at - RECOUNTED,
    )
    for run in ended.select_related("job").defer("job__context").iterator():
        is_big = run.job.expanded > BIG_JOB
        if not is_big or cache.add(f"recounted:{run.pk}", True, BIG_RECOUNT_SECONDS):
            recount(run)


def recount(run: CampaignRun) -> None:
    """Correct the last sample of an ended run whose messages are all still there."""
    found = figures(run)
    latest = run.job.samples.order_by("-at").first()
    if found.written != run.job.expanded or latest is None:
        return
    if found.pending:
        outbox.run_on([run.job_id])
    taken, failed, pending = found.sampled
    if (latest.taken, latest.failed, latest.pending) != found.sampled:
        JobSample.objects.filter(pk=latest.pk).update(taken=taken, failed=failed, pending=pending)


def _align_campaigns() -> None:
    """A campaign's status follows its last run, whoever moved that: a tick, the queue, a page."""
    active = Campaign.objects.filter(status__in=CampaignStatus.under_way())
    for campaign in active:
        run = campaign.latest_run()
        if run is not None:
            _align(campaign, CAMPAIGN_OF_JOB[JobStatus(run.job.status)])
    reopened = Campaign.objects.filter(
        status=CampaignStatus.FINISHED, runs__job__status=JobStatus.RUNNING
    )
    for campaign in reopened:
        _align(campaign, CampaignStatus.RUNNING)


def _align(campaign: Campaign, status: CampaignStatus) -> None:
    if campaign.status != status:
        Campaign.objects.filter(pk=campaign.pk, status=campaign.status).update(status=status)
