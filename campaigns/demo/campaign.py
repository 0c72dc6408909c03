"""One campaign that has run and one that waits for its operator."""

from __future__ import annotations

import datetime
import time

from django.utils import timezone

from campaigns import expansion, progress, runner
from campaigns.choices import CampaignStatus
from campaigns.models import Audience, Campaign
from omnichannel.choices import Category
from omnichannel.delivery import drain
from omnichannel.models import Job, MessageTemplate

SECONDS = 20


def load(at: datetime.datetime) -> None:
    audience = Audience.objects.filter(is_demo=True).first()
    if audience is None:
        return
    spring, made = _campaign("Spring offer", "spring-offer", audience, "Spring offer")
    _campaign("Welcome series", "welcome-series", audience, "Welcome")
    if made:
        _run(spring, at)


def _campaign(
    name: str, identifier: str, audience: Audience, template: str
) -> tuple[Campaign, bool]:
    return Campaign.objects.get_or_create(
        identifier=identifier,
        defaults={
            "name": name,
            "description": "Part of the demo data.",
            "audience": audience,
            "template": MessageTemplate.objects.get(channel_type="email", name=template),
            "is_demo": True,
        },
    )


def _run(campaign: Campaign, at: datetime.datetime) -> None:
    job = runner.start(campaign, by=None, at=at)
    until = time.monotonic() + SECONDS
    expansion.expand(job, at=at, until=until)
    drain((Category.PROMOTIONAL,), seconds=SECONDS)
    progress.follow(timezone.now())


def remove() -> list[str]:
    kept = []
    for campaign in Campaign.objects.filter(is_demo=True):
        if campaign.status in CampaignStatus.under_way():
            kept.append(f"campaign {campaign}, which is not over")
            continue
        jobs = campaign.jobs()
        keys = list(jobs.values_list("pk", flat=True))
        campaign.delete()
        Job.objects.filter(pk__in=keys).delete()
    return kept
