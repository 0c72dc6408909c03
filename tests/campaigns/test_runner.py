from __future__ import annotations

import datetime
import time

import pytest

from campaigns import cancelling, progress, runner
from campaigns.choices import CampaignStatus
from campaigns.expansion import expand
from campaigns.models import Campaign, CampaignRun
from campaigns.preflight import NotReady
from campaigns.starting import start_due
from omnichannel.choices import Category, JobStatus, MessageStatus
from omnichannel.exceptions import IllegalTransition
from omnichannel.models import GlobalVariable, Job, Label, Lane, ProviderRoute
from tests.factories import NOW, make_provider
from tests.factories_campaigns import make_campaign, make_people, make_published_template

pytestmark = pytest.mark.django_db

LATER = NOW + datetime.timedelta(hours=1)


def start(campaign, **values):
    return runner.start(campaign, **{"by": None, "at": NOW, **values})


def expand_all(job):
    return expand(job, at=NOW, until=time.monotonic() + 60)


def status_of(campaign):
    return Campaign.objects.get(pk=campaign.pk).status


@pytest.mark.fault(37)
def test_a_start_freezes_template_globals_provider_and_recipients():
    GlobalVariable.objects.create(key="company_name", value="Example Ltd")
    campaign = make_campaign(from_address="news@example.com", priority=1, rate_limit=5)

    job = start(campaign)

    lane = job.lanes.get()
    assert (job.source, job.reference) == ("campaign", str(campaign.pk))
    assert job.template_version == campaign.template.published_version
    assert job.context["company_name"] == "Example Ltd"
    assert (job.provider, job.category) == (campaign.provider, Category.PROMOTIONAL)
    assert (job.from_address, job.expected) == ("news@example.com", 2)
    assert (lane.is_paused, lane.rate_limit, lane.priority) == (False, 5, 1)
    assert status_of(campaign) == CampaignStatus.RUNNING


@pytest.mark.fault(37)
def test_a_later_version_of_the_template_does_not_reach_a_running_campaign():
    campaign = make_campaign()
    job = start(campaign)
    template = campaign.template
    template.published_version = make_published_template(subject="Other").published_version
    template.save()

    expand_all(job)

    versions = set(job.messages.values_list("template_version__subject", flat=True))
    assert versions == {"Hello {{ first_name }}"}


def test_without_a_provider_the_default_for_promotional_messages_is_used():
    provider = make_provider()
    ProviderRoute.objects.create(
        channel_type="email", category=Category.PROMOTIONAL, provider=provider
    )

    job = start(make_campaign(provider=None))

    assert job.provider == provider


def test_a_campaign_starts_once_even_if_two_people_press_run():
    campaign = make_campaign()
    other_page = Campaign.objects.get(pk=campaign.pk)
    start(campaign)

    with pytest.raises(IllegalTransition, match="Pause or cancel it first"):
        start(other_page)

    assert Job.objects.count() == 1
    assert Lane.objects.count() == 1


def test_a_campaign_with_problems_does_not_start_and_names_them():
    campaign = make_campaign(provider=make_provider(is_active=False))

    with pytest.raises(NotReady, match="is not active"):
        start(campaign)

    assert status_of(campaign) == CampaignStatus.DRAFT
    assert not Job.objects.exists()


def test_pause_holds_the_lane_and_resume_opens_it():
    campaign = make_campaign()
    job = start(campaign)

    runner.pause(campaign, at=NOW)
    held = job.lanes.get().is_paused, status_of(campaign)
    runner.resume(campaign, at=NOW)

    assert held == (True, CampaignStatus.PAUSED)
    assert (job.lanes.get().is_paused, status_of(campaign)) == (False, CampaignStatus.RUNNING)


def test_cancel_cancels_what_waits_and_stops_the_writing():
    campaign = make_campaign()
    job = start(campaign)
    expand(job, at=NOW, until=time.monotonic() + 60, page_size=1)
    type(job).objects.filter(pk=job.pk).update(cursor=0)

    count = runner.cancel(campaign, at=NOW)

    assert count == 2
    assert set(job.messages.values_list("status", flat=True)) == {MessageStatus.CANCELLED}
    assert Job.objects.get(pk=job.pk).status == JobStatus.CANCELLED
    assert status_of(campaign) == CampaignStatus.CANCELLED


def test_a_big_run_is_held_at_once_and_cancelled_page_by_page(monkeypatch):
    monkeypatch.setattr(cancelling, "SMALL_JOB", 1)
    monkeypatch.setattr(cancelling, "PAGE", 2)
    campaign = make_campaign(audience=make_people([f"p{n}@example.com" for n in range(5)]))
    job = start(campaign)
    expand(job, at=NOW, until=time.monotonic() + 60, page_size=5)
    CampaignRun.objects.update(written_at=None)

    runner.cancel(campaign, at=NOW)
    held = job.lanes.get().is_paused, expand_all(job)
    with pytest.raises(IllegalTransition, match="not over yet"):
        start(campaign)
    progress.follow(NOW)

    job.refresh_from_db()
    assert held == (True, 0)
    assert set(job.messages.values_list("status", flat=True)) == {MessageStatus.CANCELLED}
    assert (job.status, status_of(campaign)) == (JobStatus.CANCELLED, CampaignStatus.CANCELLED)


def test_a_scheduled_campaign_that_started_meanwhile_is_cancelled_with_its_run():
    campaign = make_campaign(starts_at=LATER)
    runner.schedule(campaign, at=NOW)
    stale = Campaign.objects.get(pk=campaign.pk)
    job = start(campaign, at=LATER)

    runner.cancel(stale, at=LATER)

    assert Job.objects.get(pk=job.pk).status == JobStatus.CANCELLED


def test_a_cancelled_campaign_runs_again_as_a_new_job():
    campaign = make_campaign()
    first = start(campaign)
    runner.cancel(campaign, at=NOW)

    second = start(campaign)
    expand_all(second)

    assert first.pk != second.pk
    assert second.messages.count() == 2
    assert list(campaign.jobs()) == [second, first]


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (CampaignStatus.DRAFT, runner.pause),
        (CampaignStatus.DRAFT, runner.resume),
        (CampaignStatus.DRAFT, runner.cancel),
        (CampaignStatus.RUNNING, runner.resume),
        (CampaignStatus.PAUSED, runner.pause),
        (CampaignStatus.FINISHED, runner.pause),
        (CampaignStatus.CANCELLED, runner.cancel),
        (CampaignStatus.SCHEDULED, runner.pause),
    ],
)
def test_a_move_that_the_state_forbids_is_refused_with_advice(state, step):
    campaign = make_campaign(status=state)

    with pytest.raises(IllegalTransition, match=r"first\.|again"):
        step(campaign, at=NOW)

    assert status_of(campaign) == state


def test_a_schedule_needs_a_start_date_in_the_future():
    with pytest.raises(NotReady, match="start date in the future"):
        runner.schedule(make_campaign(starts_at=NOW), at=NOW)


def test_a_scheduled_campaign_starts_once_when_its_time_comes():
    campaign = make_campaign(starts_at=LATER)
    runner.schedule(campaign, at=NOW)

    early, due, again = start_due(NOW), start_due(LATER), start_due(LATER)

    assert (early, due, again) == (0, 1, 0)
    assert status_of(campaign) == CampaignStatus.RUNNING
    assert campaign.jobs().count() == 1


def test_a_scheduled_start_that_fails_says_why_and_is_tried_again():
    campaign = make_campaign(starts_at=LATER)
    runner.schedule(campaign, at=NOW)
    campaign.audience.is_active = False
    campaign.audience.save()

    start_due(LATER)
    told = Campaign.objects.get(pk=campaign.pk)
    campaign.audience.is_active = True
    campaign.audience.save()
    start_due(LATER)

    assert "is not active" in told.trouble
    assert told.status == CampaignStatus.SCHEDULED
    assert status_of(campaign) == CampaignStatus.RUNNING


def test_a_scheduled_start_that_keeps_failing_becomes_a_draft_again():
    campaign = make_campaign(starts_at=LATER)
    runner.schedule(campaign, at=NOW)
    campaign.audience.members.all().delete()

    start_due(LATER + datetime.timedelta(minutes=16))

    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.DRAFT
    assert "did not start on" in campaign.trouble


def test_a_clone_is_a_draft_with_the_same_recipe_and_a_free_name():
    campaign = make_campaign(name="Spring", identifier="spring", status=CampaignStatus.FINISHED)
    campaign.tags.add(Label.objects.create(name="Sale"))

    first = runner.clone(campaign, by=None)
    second = runner.clone(campaign, by=None)

    assert (first.name, second.name) == ("Spring (copy)", "Spring (copy 2)")
    assert (first.status, first.audience) == (CampaignStatus.DRAFT, campaign.audience)
    assert [label.name for label in second.tags.all()] == ["Sale"]
    assert Campaign.objects.get(pk=campaign.pk).status == CampaignStatus.FINISHED


@pytest.mark.fault(27)
def test_a_start_missed_by_hours_waits_for_an_operator():
    """Nothing ran at its time: now may be the middle of the night."""
    campaign = make_campaign(starts_at=LATER)
    runner.schedule(campaign, at=NOW)

    start_due(LATER + datetime.timedelta(hours=4))

    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.DRAFT
    assert not campaign.jobs().exists()
    assert "nothing was running" in campaign.trouble


def test_run_asks_for_consent_when_the_campaign_does():
    asking, other = make_campaign(needs_consent=True), make_campaign()

    jobs = [runner.start(each, by=None, at=NOW) for each in (asking, other)]

    assert [job.needs_consent for job in jobs] == [True, False]
