"""Sending again to those whom a run did not reach: asked for once, done page by page.

A million rows are too many for one request and for one statement: the run remembers what was
asked, and what is left after the first seconds is moved by the tick that follows running jobs.
"""

from __future__ import annotations

import datetime
import time

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Lower

from campaigns import open_days
from campaigns.choices import CampaignStatus
from campaigns.models import Campaign, CampaignRun
from campaigns.pacing import Breather
from campaigns.recipients import ADDRESS_ERROR
from omnichannel import doorbell, outbox
from omnichannel.choices import JobStatus, MessageStatus
from omnichannel.exceptions import IllegalTransition
from omnichannel.lifecycle import stop_requested
from omnichannel.models import Job, Message, Suppression
from omnichannel.models.messages import MessageQuerySet

PAGE = 5_000
AT_ONCE_SECONDS = 2.0  # so long the operator waits
STATES = (CampaignStatus.FINISHED, *CampaignStatus.under_way())


def sendable(job: Job, status: str, before: datetime.datetime) -> MessageQuerySet:
    """The job's messages of a status that may be sent again at `before` (UTC).

    Left out: those without a usable address, those suppressed since, and those tried later than
    `before`; of a job whose end date has passed, all.
    """
    suppressed = Suppression.objects.in_force().filter(
        channel_type=job.channel_type,
        category__in=("", job.category),
        address=Lower(OuterRef("to_address")),
    )
    if job.ends_at is not None and job.ends_at <= before:
        return Message.objects.none()
    return (
        Message.objects.filter(job=job, status=status)
        .filter(Q(last_attempt_at__isnull=True) | Q(last_attempt_at__lt=before))
        .filter(Q(ends_at__isnull=True) | Q(ends_at__gt=before))
        .exclude(error_code=ADDRESS_ERROR)
        .exclude(Exists(suppressed))
    )


def ask(campaign: Campaign, *, uncertain: bool, at: datetime.datetime) -> int:
    """Send the last run again to those who failed, and with `uncertain` to those, too.

    Answers how many messages that are. A finished campaign runs until they are through. Raises
    IllegalTransition when there are none or the state does not allow it.
    """
    run = campaign.latest_run()
    if run is None or campaign.status not in STATES or run.job.status == JobStatus.CANCELLED:
        raise IllegalTransition(f"{campaign} has no run that could go on: run it again instead.")
    count = sum(sendable(run.job, status, at).order_by().count() for status in chosen(uncertain))
    if not count:
        raise IllegalTransition(f"{campaign}: there is no message that may be sent again.")
    with transaction.atomic():
        waiting = CampaignRun.objects.filter(pk=run.pk, resend_before__isnull=True)
        if not waiting.update(resend_before=at, resend_uncertain=uncertain):
            raise IllegalTransition(
                f"{campaign}: its failed messages are being sent again already."
            )
        open_days.hold(campaign, run.job, at)
        outbox.run_on([run.job_id])
        Campaign.objects.filter(pk=campaign.pk, status=CampaignStatus.FINISHED).update(
            status=CampaignStatus.RUNNING
        )
    run.resend_before, run.resend_uncertain = at, uncertain
    _move_pages(run, at, time.monotonic() + AT_ONCE_SECONDS)
    return count


def chosen(uncertain: bool) -> tuple[MessageStatus, ...]:
    return (MessageStatus.FAILED, *([MessageStatus.UNCERTAIN] if uncertain else []))


def go_on(*, at: datetime.datetime, until: float) -> None:
    """Put back what was asked for until `until` (monotonic) has come."""
    for run in CampaignRun.objects.filter(resend_before__isnull=False).select_related(
        "job__provider"
    ):
        if run.job.status == JobStatus.CANCELLED:
            _forget(run)
        else:
            _move_pages(run, at, until)


def _move_pages(run: CampaignRun, at: datetime.datetime, until: float) -> None:
    before, job = run.resend_before or at, run.job
    ends = outbox.earlier_end(outbox.expiry(job.ends_at, job.provider, at))
    breather = Breather()
    for status in chosen(run.resend_uncertain):
        rows = sendable(job, status, before).order_by("pk").values("pk")[:PAGE]
        page = Message.objects.filter(pk__in=rows, status=status)
        while True:
            if time.monotonic() >= until or stop_requested():
                return
            with breather, transaction.atomic():
                moved = page.move(MessageStatus.NEW, **outbox.afresh(at), expires_at=ends)
                doorbell.ring_for(job.category)
            if not moved:
                break
    _forget(run)


def _forget(run: CampaignRun) -> None:
    """All of it is done, or nobody wants it any more."""
    CampaignRun.objects.filter(pk=run.pk, resend_before=run.resend_before).update(
        resend_before=None, resend_uncertain=False
    )
