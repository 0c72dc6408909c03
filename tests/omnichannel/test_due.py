from __future__ import annotations

import datetime

import pytest

from omnichannel import due, outbox
from omnichannel.models import Message
from tests.factories import NOW, make_lane, make_message, make_provider

pytestmark = pytest.mark.django_db
TEN = datetime.time(10)


def ago(seconds: int) -> datetime.datetime:
    return NOW - datetime.timedelta(seconds=seconds)


def oldest(category: str = "transactional") -> float:
    return due.oldest_due(NOW)[category]


def test_nothing_is_due_in_an_empty_queue():
    assert due.oldest_due(NOW) == {"transactional": 0.0, "otp": 0.0, "promotional": 0.0}


def test_the_oldest_ready_message_is_told_by_category():
    make_message(category="otp", created_at=ago(3))
    make_message(category="promotional", created_at=ago(100))
    make_message(category="promotional", created_at=ago(70))

    found = due.oldest_due(NOW)

    assert found == {"transactional": 0.0, "otp": 3.0, "promotional": 100.0}


@pytest.mark.parametrize(
    "provider",
    [
        {"is_active": False},
        {"stopped_at": NOW},
        {"resting_until": NOW + datetime.timedelta(seconds=1)},
        {"interval_min": datetime.time(13)},
    ],
)
def test_what_a_provider_may_not_send_now_is_not_due(provider):
    make_message(provider=make_provider(**provider), created_at=ago(100))

    assert oldest() == 0.0


def test_a_paused_lane_is_not_due():
    lane = make_lane(is_paused=True)
    make_message(provider=lane.provider, lane=lane, created_at=ago(100))

    assert oldest() == 0.0


def test_a_message_is_due_from_the_opening_of_its_window_only():
    make_message(provider=make_provider(interval_min=TEN), created_at=ago(86_400))
    make_message(interval_min=TEN, created_at=ago(86_400))

    assert oldest() == 2 * 3600


def test_a_message_is_due_from_the_start_of_its_lane_and_the_end_of_a_rest():
    lane = make_lane(starts_at=ago(40))
    make_message(provider=lane.provider, lane=lane, created_at=ago(500))
    make_message(provider=make_provider(resting_until=ago(30)), created_at=ago(500))

    assert oldest() == 40.0


def test_a_retry_is_due_from_its_turn_on():
    provider = make_provider(pool_time_retry=datetime.timedelta(seconds=60))
    tried = {"attempts": 1, "created_at": ago(5000)}
    make_message(provider=provider, last_attempt_at=ago(70), **tried)
    make_message(provider=provider, due_at=ago(4), **tried)

    assert oldest() == 10.0


def test_a_moment_that_came_and_was_not_noticed_is_due():
    make_message(status="scheduled", due_at=ago(25), created_at=ago(900))
    make_message(status="scheduled", due_at=NOW + datetime.timedelta(seconds=9))
    make_message(status="error", due_at=ago(8), category="otp")

    assert oldest() == 25.0


def test_what_is_sent_again_or_resumed_is_due_from_then_on():
    again = make_message(status="failed", created_at=ago(9000), last_attempt_at=ago(8000))
    outbox.requeue(Message.objects.filter(pk=again.pk), at=ago(20))
    job = outbox.open_job(
        name="Spring",
        source="campaign",
        channel_type="email",
        category="promotional",
        provider=again.provider,
        at=ago(9000),
    )
    lane = job.lanes.get()
    make_message(provider=lane.provider, lane=lane, job=job, created_at=ago(9000))
    outbox.start_job(job, ago(9000))
    outbox.pause_job(job, ago(8000))
    outbox.resume_job(job, ago(30))

    found = due.oldest_due(NOW)

    assert (found["transactional"], found["promotional"]) == (20.0, 30.0)


def test_the_question_stays_cheap_however_many_wait(django_assert_max_num_queries):
    lane = make_lane()
    for _ in range(5):
        make_message(provider=lane.provider, lane=lane)

    with django_assert_max_num_queries(3):
        due.oldest_due(NOW)
