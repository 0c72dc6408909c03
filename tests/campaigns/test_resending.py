from __future__ import annotations

import datetime
import time

import pytest
from django.core.cache import cache

from campaigns import progress, resending, runner
from campaigns.choices import CampaignStatus
from campaigns.expansion import expand
from campaigns.models import Campaign, CampaignRun
from omnichannel.choices import JobStatus
from omnichannel.exceptions import IllegalTransition
from omnichannel.models import Job, Message, Suppression
from tests.factories import NOW
from tests.factories_campaigns import make_campaign, make_people

pytestmark = pytest.mark.django_db
LATER = NOW + datetime.timedelta(hours=1)


@pytest.fixture(autouse=True)
def fresh_cache():
    cache.clear()


def finished(*statuses, people=None, **values):
    """A campaign whose run has ended with these statuses."""
    people = people or [f"person{number}@example.com" for number in range(len(statuses))]
    campaign = make_campaign(audience=make_people(people), **values)
    job = runner.start(campaign, by=None, at=NOW)
    expand(job, at=NOW, until=time.monotonic() + 60)
    for message, status in zip(job.messages.order_by("id"), statuses, strict=True):
        Message.objects.filter(pk=message.pk).update(
            status=status, last_attempt_at=NOW, attempts=1, error_code="550"
        )
    progress.follow(NOW)
    campaign.refresh_from_db()
    return campaign


def statuses(campaign):
    messages = campaign.latest_run().job.messages
    return list(messages.order_by("id").values_list("status", flat=True))


ALL = ("sent", "delivered", "failed", "uncertain", "expired", "cancelled", "suppressed")


@pytest.mark.parametrize(
    ("uncertain", "count", "fourth"), [(False, 1, "uncertain"), (True, 2, "new")]
)
def test_only_the_failed_and_by_choice_the_uncertain_are_sent_again(uncertain, count, fourth):
    campaign = finished(*ALL)

    answer = resending.ask(campaign, uncertain=uncertain, at=LATER)

    assert answer == count
    assert statuses(campaign) == ["sent", "delivered", "new", fourth, *ALL[4:]]


def test_the_campaign_runs_again_and_finishes_when_they_are_through():
    campaign = finished("sent", "failed")
    resending.ask(campaign, uncertain=False, at=LATER)
    running = Campaign.objects.get().status, Job.objects.get().status

    progress.follow(LATER + datetime.timedelta(seconds=10))
    waiting = Campaign.objects.get().status
    Message.objects.filter(status="new").update(status="sent")
    progress.follow(LATER + datetime.timedelta(seconds=20))

    assert running == (CampaignStatus.RUNNING, JobStatus.RUNNING)
    assert waiting == CampaignStatus.RUNNING
    assert Campaign.objects.get().status == CampaignStatus.FINISHED
    assert progress.figures(campaign.latest_run()).taken == 2


def test_all_attempts_and_a_new_expiry_are_before_a_message_that_is_sent_again():
    campaign = finished("failed")

    resending.ask(campaign, uncertain=False, at=LATER)

    message = Message.objects.get()
    assert (message.attempts, message.error_code) == (0, "")
    assert message.expires_at == LATER + datetime.timedelta(days=7)


def test_who_was_suppressed_since_and_who_has_no_address_is_left_out():
    campaign = finished("failed", "failed", "failed")
    Suppression.objects.create(channel_type="email", address="person0@example.com")
    Message.objects.filter(to_address="person1@example.com").update(error_code="address")

    answer = resending.ask(campaign, uncertain=False, at=LATER)

    assert answer == 1
    assert statuses(campaign) == ["failed", "failed", "new"]


def test_nothing_of_a_campaign_whose_end_date_has_passed_is_sent_again():
    campaign = finished("failed", ends_at=LATER)

    with pytest.raises(IllegalTransition, match="no message that may be sent again"):
        resending.ask(campaign, uncertain=True, at=LATER)

    assert statuses(campaign) == ["failed"]
    assert Campaign.objects.get().status == CampaignStatus.FINISHED


def test_a_campaign_with_nothing_failed_says_so():
    with pytest.raises(IllegalTransition, match="no message that may be sent again"):
        resending.ask(finished("sent", "uncertain"), uncertain=False, at=LATER)


def test_a_cancelled_campaign_is_run_again_instead():
    campaign = finished("failed", "sent")
    Campaign.objects.update(status=CampaignStatus.CANCELLED)
    campaign.refresh_from_db()

    with pytest.raises(IllegalTransition, match="run it again instead"):
        resending.ask(campaign, uncertain=False, at=LATER)


def test_what_fails_again_is_not_sent_a_third_time():
    campaign = finished("failed", "failed")
    resending.ask(campaign, uncertain=False, at=LATER)
    CampaignRun.objects.update(resend_before=LATER)
    Message.objects.update(status="failed", last_attempt_at=LATER)

    progress.follow(LATER + datetime.timedelta(seconds=10))

    assert statuses(campaign) == ["failed", "failed"]
    assert CampaignRun.objects.get().resend_before is None


def test_a_big_number_is_moved_page_by_page_and_the_campaign_waits_for_all(monkeypatch):
    monkeypatch.setattr(resending, "PAGE", 2)
    monkeypatch.setattr(resending, "AT_ONCE_SECONDS", -1.0)
    campaign = finished(*["failed"] * 5)

    answer = resending.ask(campaign, uncertain=False, at=LATER)
    untouched = statuses(campaign)
    monkeypatch.setattr(progress, "RESEND_SECONDS", -1.0)
    progress.follow(LATER + datetime.timedelta(seconds=10))
    still = Campaign.objects.get().status
    monkeypatch.setattr(progress, "RESEND_SECONDS", 5)
    progress.follow(LATER + datetime.timedelta(seconds=20))

    assert answer == 5
    assert untouched == ["failed"] * 5
    assert still == CampaignStatus.RUNNING
    assert statuses(campaign) == ["new"] * 5


def test_cancelling_ends_the_sending_again(monkeypatch):
    monkeypatch.setattr(resending, "AT_ONCE_SECONDS", -1.0)
    campaign = finished("failed")
    resending.ask(campaign, uncertain=False, at=LATER)
    campaign.refresh_from_db()
    runner.cancel(campaign, at=LATER)

    progress.follow(LATER + datetime.timedelta(seconds=10))

    assert statuses(campaign) == ["failed"]
    assert CampaignRun.objects.get().resend_before is None
