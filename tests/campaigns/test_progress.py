from __future__ import annotations

import datetime
import time

import pytest
from django.core.cache import cache

from campaigns import progress, runner
from campaigns.choices import CampaignStatus
from campaigns.expansion import expand
from campaigns.models import Campaign, CampaignRun
from omnichannel import outbox
from omnichannel.choices import JobStatus, MessageStatus
from omnichannel.models import Job, Message
from tests.factories import NOW
from tests.factories_campaigns import make_campaign, make_people

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_cache():
    cache.clear()


def after(seconds):
    return NOW + datetime.timedelta(seconds=seconds)


def started(count=4, *, written=True):
    people = [f"person{number}@example.com" for number in range(count)]
    campaign = make_campaign(audience=make_people(people))
    job = runner.start(campaign, by=None, at=NOW)
    if written:
        expand(job, at=NOW, until=time.monotonic() + 60)
    return campaign.latest_run()


def settle(run, *statuses):
    for message, status in zip(run.job.messages.order_by("id"), statuses, strict=False):
        Message.objects.filter(pk=message.pk).update(status=status)


def test_figures_count_what_is_done_and_what_is_not_written_yet():
    run = started(written=False)
    expand(run.job, at=NOW, until=time.monotonic() + 60, page_size=2)
    CampaignRun.objects.filter(pk=run.pk).update(written_at=None)
    run.refresh_from_db()
    run.job.expanded = 3
    settle(run, "sent", "delivered", "failed", "uncertain")

    found = progress.figures(run)

    assert (found.taken, found.failed, found.uncertain, found.pending) == (2, 1, 1, 0)
    assert (found.unwritten, found.total) == (1, 5)
    assert found.percent == 80


def test_the_states_of_a_run_sum_up_to_its_recipients_whatever_they_are():
    states = [status.value for status in MessageStatus]
    run = started(len(states) + 3, written=False)
    expand(run.job, at=NOW, until=time.monotonic() + 60, page_size=len(states))
    settle(run, *states)
    Message.objects.filter(
        pk__in=run.job.messages.order_by("id").values("pk")[len(states) :]
    ).delete()
    Job.objects.update(expanded=len(states))
    CampaignRun.objects.update(written_at=None)
    run = CampaignRun.objects.with_figures().get()

    found = progress.figures(run)

    parts = (
        *(found.taken, found.failed, found.expired, found.suppressed, found.cancelled),
        *(found.uncertain, found.pending, found.unwritten),
    )
    assert parts == (2, 1, 1, 1, 1, 1, 4, 3)
    assert sum(parts) == found.total == run.whom == len(states) + 3


def test_a_finished_run_has_a_state_for_each_recipient_and_none_pending():
    final = ("sent", "delivered", "failed", "expired", "suppressed", "cancelled", "uncertain")
    run = started(len(final))
    settle(run, *final)
    progress.follow(after(3))
    run = CampaignRun.objects.with_figures().get()

    found = progress.figures(run)

    ended = found.failed + found.suppressed + found.expired + found.cancelled + found.uncertain
    assert run.job.status == JobStatus.FINISHED
    assert found.taken + ended == found.total == run.whom == len(final)


def test_what_was_put_back_while_a_run_was_counted_keeps_it_open():
    run = started()
    settle(run, "sent", "sent", "sent", "new")

    assert not progress.finish(run, NOW)

    run.job.refresh_from_db()
    assert run.job.status == JobStatus.RUNNING


def test_reports_that_come_after_the_end_reach_the_figures_of_the_run():
    run = started()
    settle(run, "sent", "sent", "sent", "uncertain")
    progress.follow(after(3))
    settle(run, "failed", "sent", "sent", "sent")
    cache.clear()

    progress.follow(after(63))

    run = CampaignRun.objects.with_figures().get()
    assert (run.taken, run.failed, run.waiting) == (3, 1, 0)


def test_a_run_whose_messages_were_deleted_keeps_its_last_figures():
    run = started()
    settle(run, "sent", "sent", "sent", "sent")
    progress.follow(after(3))
    run.job.messages.all().delete()
    cache.clear()

    progress.follow(after(63))

    assert CampaignRun.objects.with_figures().get().taken == 4


def test_a_run_with_something_pending_is_not_finished():
    run = started()
    settle(run, "sent", "sent", "error", "sent")

    progress.follow(after(3))

    run.job.refresh_from_db()
    assert run.job.status == JobStatus.RUNNING


def test_a_run_whose_messages_are_not_all_written_is_not_finished():
    run = started(written=False)

    progress.follow(after(3))

    run.job.refresh_from_db()
    assert run.job.status == JobStatus.RUNNING


def test_a_run_is_finished_with_its_campaign_when_nothing_is_pending():
    run = started()
    settle(run, "sent", "delivered", "failed", "uncertain")

    ended = progress.follow(after(3))

    run.refresh_from_db()
    assert ended == 1
    assert (run.job.status, run.job.finished_at) == (JobStatus.FINISHED, after(3))
    assert run.campaign.status == CampaignStatus.FINISHED


def test_samples_are_kept_at_most_every_two_seconds_and_not_while_nothing_changes():
    run = started()

    for seconds in (3, 4, 6, 9, 12):
        progress.follow(after(seconds))
    still = list(run.job.samples.values_list("at", flat=True))
    settle(run, "sent")
    progress.follow(after(15))

    assert still == [after(3), after(12)]
    assert list(run.job.samples.values_list("taken", "pending")) == [(0, 4), (0, 4), (1, 3)]


def test_the_rate_is_what_was_finished_over_the_last_samples():
    run = started()
    for seconds, done in ((0, 0), (10, 20), (20, 40)):
        run.job.samples.create(at=after(seconds), taken=done, pending=100 - done)

    assert progress.rate_of(run.job) == 2.0


def test_a_job_cancelled_in_the_queue_cancels_its_campaign():
    run = started()
    outbox.cancel_job(run.job, NOW)

    progress.follow(after(3))

    assert Campaign.objects.get().status == CampaignStatus.CANCELLED


def test_what_a_worker_put_back_after_the_cancelling_is_cancelled_too():
    run = started()
    settle(run, "sending")
    runner.cancel(run.campaign, at=NOW)
    settle(run, "new")

    progress.follow(after(3))

    assert not run.job.messages.filter(status=MessageStatus.NEW).exists()


def test_a_finished_campaign_runs_on_when_its_failed_messages_are_sent_again():
    run = started()
    settle(run, "sent", "sent", "sent", "failed")
    progress.follow(after(3))
    outbox.requeue(Message.objects.filter(job=run.job, status="failed"), at=after(5))

    progress.follow(after(8))
    reopened = Campaign.objects.get().status
    settle(run, "sent", "sent", "sent", "sent")
    progress.follow(after(11))

    assert reopened == CampaignStatus.RUNNING
    assert Campaign.objects.get().status == CampaignStatus.FINISHED
    assert Job.objects.get().status == JobStatus.FINISHED


def test_a_cancelled_run_is_sampled_until_its_last_messages_are_settled():
    run = started()
    settle(run, "sending")
    runner.cancel(run.campaign, at=NOW)
    progress.follow(after(3))
    settle(run, "sent")

    for seconds in (6, 9, 12):
        progress.follow(after(seconds))

    samples = run.job.samples.values_list("at", "taken", "pending")
    assert list(samples) == [(after(3), 0, 1), (after(6), 1, 0)]
