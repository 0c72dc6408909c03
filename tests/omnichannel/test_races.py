"""Two hands on one row: what the one did must not be undone by the other."""

from __future__ import annotations

import datetime

import pytest
import time_machine

from omnichannel import outbox, recovery
from omnichannel.choices import JobStatus, MessageStatus, OnUncertain
from omnichannel.delivery import drain
from omnichannel.models import Message
from omnichannel.models.messages import MessageQuerySet
from tests.factories import NOW, make_message, make_provider

MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def meanwhile(monkeypatch):
    """Another process changes the rows just before the next status is written."""
    moves = MessageQuerySet.move

    def change(**values):
        def move(rows, target, **fields):
            Message.objects.update(**values)
            return moves(rows, target, **fields)

        monkeypatch.setattr(MessageQuerySet, "move", move)

    return change


def status_of(message: Message) -> str:
    return Message.objects.get(pk=message.pk).status


@pytest.mark.parametrize("taken", [MessageStatus.CANCELLED, MessageStatus.SENDING])
def test_what_was_cancelled_or_claimed_meanwhile_is_not_made_ready(db, meanwhile, taken):
    message = make_message(status="scheduled", due_at=NOW)
    meanwhile(status=taken)

    assert recovery.promote(NOW) == 0
    assert status_of(message) == taken


def test_what_a_worker_claimed_meanwhile_does_not_expire(db, meanwhile):
    message = make_message(status="new", expires_at=NOW)
    meanwhile(status="sending")

    assert recovery.expire(NOW) == 0
    assert status_of(message) == "sending"


def make_job(provider, **values):
    opened = {"name": "Spring", "source": "campaign", "channel_type": "email", "at": NOW}
    return outbox.open_job(**opened, category="promotional", provider=provider, **values)


def uncertain(provider, **values):
    return make_message(
        provider=provider, status="uncertain", last_attempt_at=NOW, attempts=1, **values
    )


@pytest.fixture
def retrying(db):
    return make_provider(on_uncertain=OnUncertain.RETRY, pool_time_retry=MINUTE)


def test_what_is_uncertain_in_a_cancelled_job_is_not_sent_again(retrying):
    job = make_job(retrying)
    message = uncertain(retrying, job=job, lane=job.lanes.get())
    outbox.cancel_job(job, NOW)

    recovery.recover(NOW + 5 * MINUTE)

    assert status_of(message) == "uncertain"


def test_a_finished_job_runs_on_while_an_uncertain_message_is_sent_again(retrying):
    job = make_job(retrying)
    message = uncertain(retrying, job=job, lane=job.lanes.get())
    job.status = JobStatus.FINISHED
    job.save()

    recovery.recover(NOW + 5 * MINUTE)

    job.refresh_from_db()
    assert (status_of(message), job.status) == ("new", JobStatus.RUNNING)


def test_an_uncertain_message_whose_time_is_over_stays_uncertain(retrying):
    message = uncertain(retrying, expires_at=NOW + MINUTE)

    recovery.recover(NOW + 5 * MINUTE)

    assert status_of(message) == "uncertain"


def test_uncertain_messages_without_retries_do_not_keep_others_from_theirs(retrying, monkeypatch):
    monkeypatch.setattr(recovery, "CHUNK", 2)
    message = uncertain(retrying)
    for _ in range(3):
        uncertain(retrying, retry_max_attempt=0)

    recovery.recover(NOW + 5 * MINUTE)

    assert status_of(message) == "new"


def test_what_belongs_to_a_job_whose_end_date_has_passed_is_not_requeued(db):
    provider = make_provider()
    job = make_job(provider, ends_at=NOW + MINUTE)
    make_message(provider=provider, job=job, lane=job.lanes.get(), status="expired")

    assert outbox.requeue(Message.objects.all(), at=NOW + 2 * MINUTE) == 0


def test_a_requeued_message_expires_with_its_job(db):
    provider = make_provider(days_before_expire=7)
    job = make_job(provider, ends_at=NOW + 5 * MINUTE)
    message = make_message(provider=provider, job=job, lane=job.lanes.get(), status="failed")

    outbox.requeue(Message.objects.all(), at=NOW + MINUTE)

    message.refresh_from_db()
    assert message.expires_at == job.ends_at


def test_what_is_sent_again_in_a_job_that_ended_on_hold_goes(db):
    job = make_job(make_provider())
    make_message(provider=job.provider, job=job, lane=job.lanes.get(), status="failed")
    outbox.start_job(job, NOW)
    outbox.pause_job(job, NOW)
    job.status = JobStatus.FINISHED
    job.save()

    outbox.requeue(Message.objects.all(), at=NOW)

    assert not job.lanes.get().is_paused


def test_what_is_requeued_before_its_start_date_waits_for_it(provider, scripted):
    message = make_message(provider=provider, status="cancelled", starts_at=NOW + 10 * MINUTE)
    outbox.requeue(Message.objects.all(), at=NOW)

    with time_machine.travel(NOW, tick=True):
        drain()

    message.refresh_from_db()
    assert (message.status, message.due_at) == ("scheduled", message.starts_at)
    assert not scripted.seen
