from __future__ import annotations

import pytest
from django.db import connection

from campaigns import releasing, runner
from campaigns.choices import CampaignStatus
from campaigns.models import Campaign
from omnichannel.exceptions import IllegalTransition
from omnichannel.models import Installation
from omnichannel.releasing import Release
from tests.factories import NOW
from tests.factories_campaigns import make_campaign
from tests.omnichannel.installations import hold


class Killed(BaseException):
    """The process ends here."""


def statuses() -> list[str]:
    return list(Campaign.objects.order_by("id").values_list("status", flat=True))


@pytest.mark.django_db(transaction=True)
def test_each_campaign_is_cancelled_in_a_transaction_of_its_own(here, monkeypatch):
    for _ in range(3):
        make_campaign(status=CampaignStatus.PAUSED)
    hold()
    is_atomic = []
    cancel = runner.cancel

    def watched(campaign, *, at):
        is_atomic.append(connection.in_atomic_block)
        return cancel(campaign, at=at)

    monkeypatch.setattr(runner, "cancel", watched)

    assert releasing.release(Release.CANCEL, by="ana", at=NOW) == 3
    assert is_atomic == [False] * 3
    assert statuses() == [CampaignStatus.CANCELLED] * 3
    assert Installation.objects.get().is_releasing


@pytest.mark.django_db(transaction=True)
def test_a_release_that_dies_between_two_campaigns_holds_and_is_asked_for_again(here, monkeypatch):
    for _ in range(3):
        make_campaign(status=CampaignStatus.PAUSED)
    hold()
    cancel = runner.cancel

    def die_at_the_second(campaign, *, at):
        if CampaignStatus.CANCELLED in statuses():
            raise Killed
        return cancel(campaign, at=at)

    with monkeypatch.context() as patch:
        patch.setattr(runner, "cancel", die_at_the_second)
        with pytest.raises(Killed):
            releasing.release(Release.CANCEL, by="ana", at=NOW)
    row = Installation.objects.get()
    left = statuses().count(CampaignStatus.PAUSED)

    assert (row.held_since is not None, row.is_releasing, left) == (True, False, 2)
    assert releasing.release(Release.CANCEL, by="ana", at=NOW) == 2
    assert statuses() == [CampaignStatus.CANCELLED] * 3


@pytest.mark.django_db
def test_what_another_has_released_meanwhile_loses_no_more_campaigns(here, monkeypatch):
    for _ in range(2):
        make_campaign(status=CampaignStatus.PAUSED)
    hold()
    cancel = runner.cancel

    def released_by_another_then(campaign, *, at):
        Installation.objects.update(held_since=None)
        return cancel(campaign, at=at)

    monkeypatch.setattr(runner, "cancel", released_by_another_then)

    with pytest.raises(IllegalTransition, match="not held"):
        releasing.release(Release.CANCEL, by="ana", at=NOW)
    assert statuses().count(CampaignStatus.PAUSED) == 1


@pytest.mark.django_db
def test_nothing_is_cancelled_where_nothing_is_held(here):
    make_campaign(status=CampaignStatus.PAUSED)

    with pytest.raises(IllegalTransition, match="not held"):
        releasing.release(Release.COPY, by="ana", at=NOW)
    assert statuses() == [CampaignStatus.PAUSED]
