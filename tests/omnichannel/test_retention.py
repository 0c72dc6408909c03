from __future__ import annotations

import datetime
import io
import json
import time

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.utils import timezone

from omnichannel import outbox, retention
from omnichannel.choices import JobStatus, MessageStatus
from omnichannel.models import (
    EventTrigger,
    Job,
    Lane,
    Message,
    MessageAttachment,
    MessageEvent,
    ReceivedEvent,
)
from tests.factories import NOW, make_message, make_provider

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch, settings, tmp_path):
    monkeypatch.setattr(retention, "CHUNK", 2)
    settings.MEDIA_ROOT = tmp_path


def make_job(*statuses: str, ended: datetime.datetime | None = NOW - 20 * DAY, **values) -> Job:
    """A finished job with one message per status, each with an event."""
    provider = make_provider()
    values = {"status": JobStatus.FINISHED, "name": "Spring", "finished_at": ended, **values}
    job = Job.objects.create(
        source="campaign", channel_type="email", provider=provider, created_at=NOW, **values
    )
    lane = Lane.objects.create(provider=provider, category="promotional", job=job)
    for status in statuses:
        message = make_message(provider=provider, lane=lane, job=job, status=status)
        make_event(message)
    return job


def make_event(message: Message, at: datetime.datetime = NOW) -> MessageEvent:
    return MessageEvent.objects.create(
        message=message, provider=message.provider, type="sent", at=at
    )


def purge(messages: int | None = 10, events: int | None = None, **options) -> retention.Purged:
    limits = retention.Limits(
        messages=retention.days_before(NOW, messages or 0),
        events=retention.days_before(NOW, events or 0),
    )
    options = {"until": time.monotonic() + 60, "stopped": lambda: False, **options}
    return retention.purge(limits, **options)


def test_by_default_everything_of_messages_is_kept():
    make_job("sent", "failed")

    found = retention.limits(NOW)

    assert (found.messages, found.events) == (None, None)
    assert purge(messages=None) == retention.Purged()
    assert Message.objects.count() == 2


def test_messages_of_an_old_job_go_with_all_that_hangs_on_them_and_its_counts_stay():
    job = make_job("sent", "sent", "delivered", "failed", "expired", "cancelled", "suppressed")
    before = job.counts()

    gone = purge()

    job.refresh_from_db()
    assert gone == retention.Purged(messages=7, events=7)
    assert not Message.objects.exists()
    assert not MessageEvent.objects.exists()
    assert job.counts() == before
    assert (before["sent"], job.purged) == (2, 7)


def test_what_still_moves_or_is_uncertain_stays_even_in_an_old_job():
    kept = (*MessageStatus.pending(), MessageStatus.UNCERTAIN)
    job = make_job("sent", *kept)
    before = job.counts()

    purge()

    assert set(Message.objects.values_list("status", flat=True)) == set(kept)
    assert job.counts() == before


@pytest.mark.parametrize(
    "values",
    [
        {"ended": NOW - 9 * DAY},
        {"ended": None, "status": JobStatus.RUNNING},
        {"ended": NOW - 99 * DAY, "status": JobStatus.PAUSED},
    ],
)
def test_a_job_that_ended_lately_or_not_at_all_is_left_alone(values):
    make_job("sent", "sent", **values)

    assert purge() == retention.Purged()


def test_a_job_that_runs_again_meanwhile_is_left_alone():
    job = make_job("sent", "sent", "sent", "sent")
    steps = retention._chunks(retention.Limits(NOW - 10 * DAY, None))
    next(steps)()

    outbox.run_on([job.pk])
    after = next(steps)()

    assert after == retention.Purged()
    assert job.counts() == {"sent": 4}


def test_old_messages_of_no_job_go_unless_they_were_tried_lately():
    old = {"created_at": NOW - 20 * DAY, "status": "sent"}
    make_message(**old)
    make_message(**old)
    make_message(**old)
    tried = make_message(**old, last_attempt_at=NOW - DAY)
    waits = make_message(**{**old, "status": "scheduled"})
    young = make_message(created_at=NOW - 9 * DAY, status="sent")

    gone = purge()

    assert gone.messages == 3
    assert set(Message.objects.values_list("pk", flat=True)) == {tried.pk, waits.pk, young.pk}


def test_the_first_id_of_a_moment_is_found_among_gaps():
    rows = [make_message(created_at=NOW + number * DAY) for number in range(12)]
    Message.objects.filter(pk__in=[row.pk for row in rows[3:6]]).delete()

    found = [retention.first_id_from(NOW + number * DAY) for number in (-1, 2, 4, 11, 99)]

    first, second, third, last = (rows[number].pk for number in (0, 2, 6, 11))
    assert Message.objects.filter(id__gte=found[0]).count() == 9
    assert found[0] <= first
    assert rows[1].pk < found[1] <= second
    assert rows[2].pk < found[2] <= third
    assert rows[10].pk < found[3] <= last
    assert found[4] > last


def test_attachments_go_with_their_files():
    message = make_message(created_at=NOW - 20 * DAY, status="sent")
    kept = make_message(created_at=NOW, status="sent")
    files = [
        MessageAttachment.objects.create(message=row, file=ContentFile(b"x", name="a"), size=1)
        for row in (message, kept)
    ]

    purge()

    storage = files[0].file.storage
    assert [storage.exists(row.file.name) for row in files] == [False, True]
    assert MessageAttachment.objects.count() == 1


def test_a_file_that_is_gone_already_holds_up_nothing():
    message = make_message(created_at=NOW - 20 * DAY, status="sent")
    attachment = MessageAttachment.objects.create(
        message=message, file=ContentFile(b"x", name="a"), size=1
    )
    attachment.file.storage.delete(attachment.file.name)

    assert purge().messages == 1


def test_old_events_of_messages_that_are_kept_go_by_a_limit_of_their_own():
    message = make_message(created_at=NOW)
    for days in (40, 31, 29, 0):
        make_event(message, NOW - days * DAY)

    gone = purge(messages=None, events=30)

    assert gone.events == 2
    assert message.events.count() == 2


def test_it_stops_in_time_and_goes_on_where_it_was():
    job = make_job(*["sent"] * 5)

    first = purge(until=0.0)
    half = job.counts()
    second = purge(stopped=lambda: True)
    rest = purge()

    assert [first.messages, second.messages, rest.messages] == [2, 2, 1]
    assert half == job.counts() == {"sent": 5}


def test_every_table_that_points_at_messages_is_thought_of():
    related = {relation.related_model for relation in Message._meta.related_objects}

    assert related == {MessageEvent, MessageAttachment}


def test_a_dry_run_tells_what_would_go_and_deletes_nothing():
    ended = timezone.now() - 40 * DAY
    job = make_job("sent", "failed", "uncertain", ended=ended)
    MessageAttachment.objects.create(message=job.messages.earliest("id"), file="gone", size=2048)
    make_message(created_at=ended, status="sent")
    out = io.StringIO()

    call_command("purge", older_than=30, events_older_than=1, dry_run=True, stdout=out)

    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert lines == [
        "2 messages of Spring",
        "1 messages of no job",
        "3 messages together, with their events",
        "1 attachments of theirs, 2.0 KB",
        f"{MessageEvent.objects.filter(at__lt=timezone.now() - DAY).count()} events",
        "Nothing was deleted.",
    ]
    assert Message.objects.count() == 4


def test_the_command_deletes_and_tells_how_far_it_is():
    make_job(*["sent"] * 5, ended=timezone.now() - 40 * DAY)
    out = io.StringIO()

    call_command("purge", older_than=30, stdout=out)
    call_command("purge", older_than=30, stdout=out)

    assert out.getvalue().splitlines() == [
        "5 messages and 5 events deleted",
        "Done.",
        "Nothing was old enough.",
    ]


def test_the_command_refuses_to_delete_everything():
    with pytest.raises(CommandError, match="at least one day"):
        call_command("purge", older_than=0)


LARGE = """
from django.utils import timezone
from datetime import timedelta
from tests.omnichannel.test_retention import make_job
make_job(*["sent"] * 30, *["failed"] * 10, ended=timezone.now() - timedelta(days=40))
"""
KILLED = """
from django.core.management import call_command
from omnichannel import retention
retention.CHUNK = 7
call_command("purge", older_than=30)
"""
LEFT = """
import json
from omnichannel.models import Job, Message, MessageEvent
counts = Job.objects.get().counts()
print(json.dumps([Message.objects.count(), MessageEvent.objects.count(), counts]))
"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_in_the_middle_it_keeps_the_counts_and_goes_on(live):
    live.run(LARGE)
    killed = live.start(KILLED, OMNI_CRASH="purged:3")
    killed.wait(timeout=60)

    messages, events, counts = json.loads(live.run(LEFT))
    live.run(KILLED)
    after = json.loads(live.run(LEFT))

    assert killed.returncode == -9
    assert (messages, events) == (26, 26)  # two chunks of seven; the third was undone
    assert counts == {"sent": 30, "failed": 10}
    assert after == [0, 0, {"sent": 30, "failed": 10}]


def test_events_of_no_message_are_deleted_after_their_time_and_waiting_ones_are_not():
    provider = make_provider()
    for number in range(6):
        ReceivedEvent.objects.create(
            provider=provider,
            event_id=f"e{number}",
            type="sent",
            at=NOW,
            received_at=NOW - (40 if number < 5 else 20) * DAY,
            due_at=NOW if number == 0 else None,
        )

    retention.purge(retention.limits(NOW), until=time.monotonic() + 60, stopped=lambda: False)

    assert set(ReceivedEvent.objects.values_list("event_id", flat=True)) == {"e0", "e5"}


def test_triggered_events_are_kept_as_long_as_messages():
    for age in (1, 40, 50, 60):
        EventTrigger.objects.create(event_key="order-placed", source="api", at=NOW - age * DAY)

    purge(messages=30)

    assert EventTrigger.objects.get().at == NOW - DAY
