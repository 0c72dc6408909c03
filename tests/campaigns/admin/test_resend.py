from __future__ import annotations

import time

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from campaigns import progress, runner
from campaigns.choices import CampaignStatus
from campaigns.expansion import expand
from campaigns.models import Campaign
from tests.factories_campaigns import make_campaign, make_people

pytestmark = pytest.mark.django_db

DIALOG = {"_form_submitted": "on"}


@pytest.fixture(autouse=True)
def fresh_cache():
    cache.clear()


def resend(campaign):
    return reverse("admin:campaigns_campaign_resend", args=[campaign.pk])


def ended(*statuses):
    """A finished campaign whose messages have these statuses."""
    people = [f"p{number}@example.com" for number in range(len(statuses))]
    campaign = make_campaign(audience=make_people(people))
    job = runner.start(campaign, by=None, at=timezone.now())
    expand(job, at=timezone.now(), until=time.monotonic() + 60)
    for message, status in zip(job.messages.order_by("id"), statuses, strict=True):
        job.messages.filter(pk=message.pk).update(status=status)
    progress.follow(timezone.now())
    return campaign


def test_the_failed_are_sent_again_from_a_dialog_that_counts_them(admin_client):
    campaign = ended("failed", "failed", "sent", "uncertain")

    dialog = admin_client.get(resend(campaign)).content.decode()
    answer = admin_client.post(resend(campaign), DIALOG)
    page = admin_client.get(answer["HX-Redirect"]).content.decode()

    assert "<strong>2</strong> are sent again" in dialog
    assert "Uncertain ones, too" in dialog
    assert f"{campaign.name} sends again: 2 messages." in page
    assert Campaign.objects.get().status == CampaignStatus.RUNNING


def test_the_uncertain_are_sent_again_when_they_are_chosen(admin_client):
    campaign = ended("failed", "uncertain")

    admin_client.post(resend(campaign), {**DIALOG, "uncertain": "on"})

    assert set(campaign.jobs().get().messages.values_list("status", flat=True)) == {"new"}


def test_sending_again_is_offered_only_where_somebody_failed(admin_client):
    pages = [
        admin_client.get(reverse("admin:campaign_live", args=[campaign.pk])).content.decode()
        for campaign in (ended("failed", "sent"), ended("sent", "expired"))
    ]

    assert ["/resend/" in page for page in pages] == [True, False]
