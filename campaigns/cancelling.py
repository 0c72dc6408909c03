"""The end of cancelled runs. A small one is cancelled at once, a big one page by page here:
one statement over a million messages would keep every other writer waiting.
"""

from __future__ import annotations

import datetime
import time

from django.db import transaction

from campaigns.choices import CampaignStatus
from campaigns.models import CampaignRun
from campaigns.pacing import Breather
from omnichannel import outbox
from omnichannel.choices import JobStatus, MessageStatus
from omnichannel.lifecycle import stop_requested
from omnichannel.models import Job, Message

SMALL_JOB = 20_000
PAGE = 5_000
# How long after a cancelling a worker may still put back what it had in hand.
SWEEP_TIME = datetime.timedelta(minutes=15)


def cancel_job(job: Job, at: datetime.datetime) -> int:
    """Hold the job now, and cancel what waits now or soon; answer how many it is now."""
    if job.expanded <= SMALL_JOB:
        return outbox.cancel_job(job, at)
    if job.status != JobStatus.PAUSED:
        outbox.pause_job(job, at)
    return 0


def go_on(*, at: datetime.datetime, until: float) -> None:
    """Cancel what still waits in cancelled runs until `until` (monotonic) has come."""
    left = CampaignRun.objects.filter(
        job__status__in=JobStatus.active(), campaign__status=CampaignStatus.CANCELLED
    )
    for run in left.select_related("job"):
        if _cancel_pages(run.job, at, until):
            outbox.cancel_job(run.job, at)
    for job in Job.objects.filter(status=JobStatus.CANCELLED, finished_at__gte=at - SWEEP_TIME):
        outbox.cancel(Message.objects.filter(job=job), at=at)


def _cancel_pages(job: Job, at: datetime.datetime, until: float) -> bool:
    """True when nothing waits any more."""
    waiting = Message.objects.filter(job=job, status__in=MessageStatus.waiting())
    page = Message.objects.filter(pk__in=waiting.order_by().values("pk")[:PAGE])
    breather = Breather()
    while time.monotonic() < until and not stop_requested():
        with breather, transaction.atomic():
            if not outbox.cancel(page, at=at):
                return True
    return False
