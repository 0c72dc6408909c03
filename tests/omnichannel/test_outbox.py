from __future__ import annotations

import datetime

import pytest

from omnichannel import outbox
from omnichannel.choices import Category, ChannelType, JobStatus, MessageStatus
from omnichannel.delivery import drain
from omnichannel.exceptions import IllegalTransition, InvalidMessage, NoProvider
from omnichannel.models import Message, ProviderRoute, Suppression
from tests.factories import NOW, make_channel, make_message, make_provider

DAY = datetime.timedelta(days=1)
T = datetime.time


def draft(provider=None, **values) -> Message:
    return Message(
        **{
            "provider": provider or make_provider(),
            "to_address": "ana@example.com",
            "subject": "Hello",
            "body_text": "Hello there",
            **values,
        }
    )


def test_a_queued_message_is_new_and_expires_with_its_providers_days(db):
    message = outbox.enqueue(draft(make_provider(days_before_expire=3)), at=NOW)

    assert message.status == MessageStatus.NEW
    assert message.expires_at == NOW + 3 * DAY


def test_an_earlier_end_date_is_the_expiry(db):
    message = outbox.enqueue(draft(ends_at=NOW + DAY), at=NOW)

    assert message.expires_at == NOW + DAY


def test_a_start_date_to_come_makes_it_wait(db):
    message = outbox.enqueue(draft(starts_at=NOW + DAY), at=NOW)

    assert (message.status, message.due_at) == (MessageStatus.SCHEDULED, NOW + DAY)


def test_a_closed_window_makes_it_wait_for_the_opening(db):
    message = outbox.enqueue(draft(interval_min=T(15), interval_max=T(16)), at=NOW)

    assert message.due_at == NOW.replace(hour=15)


def test_copies_are_cleaned_one_by_one(db):
    message = outbox.enqueue(draft(cc_addresses=" a@Example.com ;; b@example.com;"), at=NOW)

    assert message.cc_addresses == "a@example.com; b@example.com"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"to_address": "ana@"}, "not an e-mail address"),
        ({"to_address": "ana@example.com\r\nBcc: x@example.com"}, "line break"),
        ({"cc_addresses": "ok@example.com; broken"}, "not an e-mail address"),
        ({"subject": "Hi\r\nBcc: x@example.com"}, "line break"),
        ({"body_text": "  ", "body_html": ""}, "body is empty"),
        ({"interval_min": T(8), "interval_max": T(8)}, "equal"),
        ({"starts_at": NOW + DAY, "ends_at": NOW}, "after the start"),
    ],
)
def test_what_can_never_be_sent_is_refused_with_the_reason(db, values, reason):
    with pytest.raises(InvalidMessage, match=reason):
        outbox.enqueue(draft(**values), at=NOW)

    assert not Message.objects.exists()


def test_windows_that_never_overlap_are_refused(db):
    provider = make_provider(interval_min=T(8), interval_max=T(10))

    with pytest.raises(InvalidMessage, match="never overlap"):
        outbox.enqueue(draft(provider, interval_min=T(12), interval_max=T(14)), at=NOW)


def test_an_sms_needs_a_text_body_and_a_phone_number(db):
    provider = make_provider(channel_type=ChannelType.SMS)

    message = outbox.enqueue(draft(provider, to_address="+1 (202) 555-0143"), at=NOW)

    assert message.to_address == "+12025550143"
    with pytest.raises(InvalidMessage, match="not a phone number"):
        outbox.enqueue(draft(provider, to_address="12345"), at=NOW)


def test_a_suppressed_address_is_queued_as_suppressed(db):
    Suppression.objects.create(channel_type="email", address="ana@example.com")

    message = outbox.enqueue(draft(to_address="Ana@example.com"), at=NOW)

    assert message.status == MessageStatus.SUPPRESSED


def test_without_a_provider_the_channels_is_used(db):
    provider = make_provider()
    channel = make_channel(bus_provider=provider)

    message = draft(channel=channel)
    message.provider = None
    outbox.enqueue(message, at=NOW)

    assert message.provider == provider


def test_without_any_the_default_of_the_category_is_used(db):
    provider = make_provider()
    ProviderRoute.objects.create(
        channel_type="email", category=Category.TRANSACTIONAL, provider=provider
    )
    message = draft(channel=make_channel())
    message.provider = None

    outbox.enqueue(message, at=NOW)

    assert message.provider == provider


def test_without_a_default_the_error_says_where_to_add_one(db):
    message = draft(channel=make_channel())
    message.provider = None

    with pytest.raises(NoProvider, match="Default providers"):
        outbox.enqueue(message, at=NOW)


def test_only_what_nobody_has_in_hand_is_cancelled(db):
    rows = {status: make_message(status=status) for status in MessageStatus}

    count = outbox.cancel(Message.objects.all(), at=NOW)

    now_cancelled = {s for s, row in rows.items() if Message.objects.get(pk=row.pk).due_at is None}
    assert count == 3
    assert Message.objects.filter(status="cancelled").count() == 4
    assert now_cancelled


def test_requeue_gives_a_failed_message_a_fresh_start(provider):
    message = make_message(
        provider=provider, status="failed", attempts=4, error_code="550", expires_at=NOW - DAY
    )

    count = outbox.requeue(Message.objects.all(), at=NOW)

    message.refresh_from_db()
    assert count == 1
    assert (message.status, message.attempts, message.error_code) == ("new", 0, "")
    assert message.expires_at == NOW + 7 * DAY


def test_requeue_leaves_alone_what_has_passed_its_end_date(db):
    make_message(status="expired", ends_at=NOW - DAY)

    assert outbox.requeue(Message.objects.all(), at=NOW) == 0


def test_requeue_runs_a_finished_job_on(db):
    job = open_job()
    outbox.start_job(job, NOW)
    message = make_message(provider=job.provider, lane=job.lanes.get(), job=job, status="failed")
    job.status = JobStatus.FINISHED
    job.save()

    outbox.requeue(Message.objects.filter(pk=message.pk), at=NOW)

    job.refresh_from_db()
    assert job.status == JobStatus.RUNNING


def test_marking_as_sent_settles_uncertain_messages_only(db):
    uncertain, failed = make_message(status="uncertain"), make_message(status="failed")

    count = outbox.resolve_as_sent(Message.objects.all(), at=NOW)

    uncertain.refresh_from_db()
    failed.refresh_from_db()
    assert (count, uncertain.status, failed.status) == (1, "sent", "failed")


def open_job(**values):
    return outbox.open_job(
        **{
            "name": "Spring",
            "source": "campaign",
            "channel_type": "email",
            "category": Category.PROMOTIONAL,
            "provider": make_provider(),
            "at": NOW,
            **values,
        }
    )


def test_a_jobs_messages_go_only_after_it_was_started(provider, scripted):
    job = open_job(provider=provider)
    make_message(provider=provider, lane=job.lanes.get(), job=job)

    drain()
    before = len(scripted.seen)
    outbox.start_job(job, NOW)
    drain()

    assert (before, len(scripted.seen)) == (0, 1)


def test_a_paused_job_holds_its_messages_and_resume_sends_the_rest(provider, scripted):
    job = open_job(provider=provider)
    outbox.start_job(job, NOW)
    make_message(provider=provider, lane=job.lanes.get(), job=job)

    outbox.pause_job(job, NOW)
    drain()
    held = len(scripted.seen)
    outbox.resume_job(job, NOW)
    drain()

    assert (held, len(scripted.seen)) == (0, 1)


def test_cancelling_a_job_cancels_what_waits(db):
    job = open_job()
    make_message(provider=job.provider, lane=job.lanes.get(), job=job)
    make_message(provider=job.provider, lane=job.lanes.get(), job=job, status="sent")

    count = outbox.cancel_job(job, NOW)

    assert count == 1
    assert set(job.messages.values_list("status", flat=True)) == {"cancelled", "sent"}


def test_a_cancelled_job_cannot_be_resumed(db):
    job = open_job()
    outbox.cancel_job(job, NOW)

    with pytest.raises(IllegalTransition, match="cancelled"):
        outbox.resume_job(job, NOW)
