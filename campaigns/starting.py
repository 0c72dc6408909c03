"""Campaigns that start by themselves at their start date."""

from __future__ import annotations

import datetime
import logging

from campaigns import runner
from campaigns.choices import CampaignStatus
from campaigns.models import Campaign
from omnichannel.exceptions import IllegalTransition, OmnichannelError

logger = logging.getLogger(__name__)

NOT_YET = "It could not start yet: "
# What hinders a start is looked at again for so long; after it, the campaign is a draft again,
# since a start hours late could reach people in the middle of the night.
PATIENCE = datetime.timedelta(minutes=15)


def start_due(at: datetime.datetime) -> int:
    """Start every scheduled campaign whose start date has come; answer how many did.

    One that cannot start says why in `trouble`.
    """
    due = Campaign.objects.filter(status=CampaignStatus.SCHEDULED, starts_at__lte=at)
    return sum(_start(campaign, at) for campaign in due.order_by("starts_at"))


def _start(campaign: Campaign, at: datetime.datetime) -> bool:
    if campaign.starts_at and at - campaign.starts_at > PATIENCE:
        said = campaign.trouble.removeprefix(NOT_YET)
        _report(campaign, said or "nothing was running at that time.", at)
        return False
    try:
        runner.start(campaign, by=campaign.created_by, at=at, sources=(CampaignStatus.SCHEDULED,))
    except IllegalTransition as error:  # an operator was faster
        logger.info("Scheduled start of %s: %s", campaign, error)
        return False
    except OmnichannelError as error:
        _report(campaign, str(error), at)
        return False
    return True


def _report(campaign: Campaign, reason: str, at: datetime.datetime) -> None:
    status, text = CampaignStatus.SCHEDULED, f"{NOT_YET}{reason}"
    if campaign.starts_at and at - campaign.starts_at > PATIENCE:
        status = CampaignStatus.DRAFT
        text = (
            f"It did not start on {campaign.starts_at:%Y-%m-%d %H:%M} UTC: {reason} "
            "Mend that, then run or schedule it again."
        )
        logger.error("Campaign %s: %s", campaign, text)
    Campaign.objects.filter(pk=campaign.pk, status=CampaignStatus.SCHEDULED).update(
        status=status, trouble=text
    )
