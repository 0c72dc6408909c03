"""Campaigns when sending is released: see `omnichannel.releasing`."""

from __future__ import annotations

import datetime
from contextlib import suppress

from django.db.models import Q, QuerySet

from campaigns import runner
from campaigns.choices import CampaignStatus
from campaigns.models import Campaign
from omnichannel import releasing
from omnichannel.exceptions import IllegalTransition
from omnichannel.releasing import Release


def release(choice: Release, *, by: str, at: datetime.datetime) -> int:
    """End the hold or, unless what waits is to be sent, begin to; answer how many campaigns were
    cancelled: whom they still have to write to may have been written to. Raises IllegalTransition.

    Each campaign is cancelled by itself, so that a large one keeps nobody waiting, and all of them
    while sending is still held: when this is broken off, the release is asked for once more.
    """
    cancelled = 0
    if choice != Release.SEND:
        for campaign in list(_doubtful(choice, at)):
            cancelled += _cancel(campaign, at)
    releasing.begin(choice, by=by, at=at)
    return cancelled


def _cancel(campaign: Campaign, at: datetime.datetime) -> bool:
    """False: it has ended meanwhile. Raises IllegalTransition when there is nothing to release."""
    releasing.refuse_unless_held()
    with suppress(IllegalTransition):
        runner.cancel(campaign, at=at)
        return True
    return False


def _doubtful(choice: Release, at: datetime.datetime) -> QuerySet[Campaign]:
    scheduled = Q(status=CampaignStatus.SCHEDULED)
    if choice != Release.COPY:
        scheduled &= Q(starts_at__lte=at)  # it may have run where it is not known of here
    return Campaign.objects.filter(scheduled | Q(status__in=CampaignStatus.under_way()))
