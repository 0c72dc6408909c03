"""A campaign's moves from one state to the next. Each is a conditional update.

Every function raises IllegalTransition, with nothing changed, when the campaign is in a state
that does not allow the move.
"""

from __future__ import annotations

import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils.text import slugify

from campaigns import cancelling, open_days, preflight
from campaigns.choices import CampaignStatus
from campaigns.models import Campaign, CampaignRun
from campaigns.preflight import NotReady
from omnichannel import doorbell, outbox
from omnichannel.choices import Category, JobStatus
from omnichannel.exceptions import IllegalTransition
from omnichannel.models import Job
from omnichannel.variables import global_values

Actor = AbstractBaseUser | AnonymousUser | None
STARTABLE = (*CampaignStatus.at_rest(), CampaignStatus.SCHEDULED)
ADVICE = {
    CampaignStatus.DRAFT: "Run or schedule it first.",
    CampaignStatus.SCHEDULED: "Cancel its schedule first.",
    CampaignStatus.RUNNING: "Pause or cancel it first.",
    CampaignStatus.PAUSED: "Resume or cancel it first.",
    CampaignStatus.FINISHED: "Run it again to send once more.",
    CampaignStatus.CANCELLED: "Run it again to send once more.",
}


def start(
    campaign: Campaign,
    *,
    by: Actor,
    at: datetime.datetime,
    sources: tuple[CampaignStatus, ...] = STARTABLE,
) -> Job:
    """Open a run with everything frozen, and let it go. Raises NotReady.

    Its time does not depend on the size of the audience, except for one count: the messages are
    written by `expansion`.
    """
    found = preflight.quick_check(campaign, at)
    if found.problems:
        raise NotReady(" ".join(found.problems))
    with transaction.atomic():
        move(campaign, CampaignStatus.RUNNING, sources=sources, trouble="")
        if campaign.jobs().filter(status__in=JobStatus.active()).exists():
            raise IllegalTransition(f"A run of {campaign} is not over yet: wait or cancel it.")
        run = _open_run(campaign, by=by, at=at)
        open_days.hold(campaign, run.job, at)
        outbox.start_job(run.job, at)
        doorbell.ring("campaigns.tasks.expand_jobs")
    return run.job


def _open_run(campaign: Campaign, *, by: Actor, at: datetime.datetime) -> CampaignRun:
    version = campaign.template.published_version
    members = campaign.audience.members.order_by("-id")
    last = members.values_list("id", flat=True).first() or 0
    job = outbox.open_job(
        name=campaign.name,
        source="campaign",
        reference=str(campaign.pk),
        channel_type=campaign.channel_type,
        category=Category.PROMOTIONAL,
        provider=preflight.provider_of(campaign, at),
        at=at,
        template_version=version,
        context=global_values(),
        from_address=campaign.from_address,
        from_name=version.from_name if version else "",
        reply_to=version.reply_to if version else "",
        priority=campaign.priority,
        ends_at=campaign.ends_at,
        needs_consent=campaign.needs_consent,
        rate_limit=campaign.rate_limit,
        max_delay_days=campaign.max_delay_days,
        is_cap_exempt=campaign.is_cap_exempt,
        expected=campaign.audience.members.filter(id__lte=last).count(),
        created_by=by,
    )
    return CampaignRun.objects.create(
        campaign=campaign,
        job=job,
        audience=campaign.audience,
        recipient_column=preflight.column_of(campaign),
        last_member=last,
    )


def schedule(campaign: Campaign, *, at: datetime.datetime) -> None:
    """Let it start by itself at its start date. Raises NotReady."""
    if campaign.starts_at is None or campaign.starts_at <= at:
        raise NotReady("Enter a start date in the future first, or run the campaign now.")
    found = preflight.quick_check(campaign, campaign.starts_at)
    if found.problems:
        raise NotReady(" ".join(found.problems))
    move(campaign, CampaignStatus.SCHEDULED, sources=CampaignStatus.at_rest(), trouble="")


def pause(campaign: Campaign, *, at: datetime.datetime) -> None:
    """Hold what is not handed over yet; messages go on being written."""
    with transaction.atomic():
        move(campaign, CampaignStatus.PAUSED, sources=(CampaignStatus.RUNNING,))
        outbox.pause_job(_current_job(campaign), at)


def resume(campaign: Campaign, *, at: datetime.datetime) -> None:
    with transaction.atomic():
        move(campaign, CampaignStatus.RUNNING, sources=(CampaignStatus.PAUSED,))
        outbox.resume_job(_current_job(campaign), at)


def cancel(campaign: Campaign, *, at: datetime.datetime) -> int:
    """End it for good; answer how many messages were cancelled at once (see `cancelling`)."""
    sources = (CampaignStatus.SCHEDULED, *CampaignStatus.under_way())
    with transaction.atomic():
        move(campaign, CampaignStatus.CANCELLED, sources=sources, trouble="")
        job = campaign.jobs().filter(status__in=JobStatus.active()).first()
        return cancelling.cancel_job(job, at) if job else 0


def clone(campaign: Campaign, *, by: Actor) -> Campaign:
    """A draft with the same recipe under a free name."""
    name, identifier = _free_name(campaign)
    copy = Campaign.objects.get(pk=campaign.pk)
    copy.pk = None
    copy._state.adding = True
    copy.name, copy.identifier = name, identifier
    copy.status, copy.trouble = CampaignStatus.DRAFT, ""
    copy.starts_at = copy.ends_at = None
    copy.is_demo = False
    copy.created_by_id = by.pk if by else None
    copy.save(force_insert=True)
    copy.tags.set(campaign.tags.all())
    return copy


def _free_name(campaign: Campaign) -> tuple[str, str]:
    number = 1
    while True:
        mark = "copy" if number == 1 else f"copy {number}"
        name = f"{campaign.name[:105]} ({mark})"
        identifier = f"{campaign.identifier[:48]}-{slugify(mark)}"
        taken = Campaign.objects.filter(name=name) | Campaign.objects.filter(identifier=identifier)
        if not taken.exists():
            return name, identifier
        number += 1


def move(
    campaign: Campaign,
    target: CampaignStatus,
    *,
    sources: tuple[CampaignStatus, ...],
    **fields: Any,
) -> None:
    """Change the status if it is one of `sources` now. Raises IllegalTransition."""
    moved = Campaign.objects.filter(pk=campaign.pk, status__in=sources).update(
        status=target, **fields
    )
    campaign.refresh_from_db(fields=["status", *fields])
    if not moved:
        state = CampaignStatus(campaign.status)
        raise IllegalTransition(
            f"{campaign.name} is {state.label.lower()}: it cannot become {target.label.lower()}. "
            f"{ADVICE[state]}"
        )


def _current_job(campaign: Campaign) -> Job:
    run = campaign.latest_run()
    if run is None:
        raise IllegalTransition(f"{campaign.name} has no run.")
    return run.job
