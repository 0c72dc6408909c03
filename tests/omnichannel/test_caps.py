from __future__ import annotations

import datetime

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from omnichannel import caps, outbox
from omnichannel.caps import Cap, Sent
from omnichannel.claims import claim
from omnichannel.delivery import deliver_now, drain
from omnichannel.models import FrequencyCap, Lane, Message, MessageEvent
from omnichannel.recovery import promote
from omnichannel.screening import screen
from omnichannel.worker import Worker
from tests.factories import NOW, make_lane, make_message, make_provider

pytestmark = pytest.mark.django_db

SECOND = datetime.timedelta(seconds=1)
HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)
ANA = "ana@example.com"


@pytest.fixture(autouse=True)
def fresh_cache():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def at_now():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def make_cap(number=1, period="week", **values):
    return FrequencyCap.objects.create(channel_type="email", number=number, period=period, **values)


def make_promotional(provider, to=ANA, **values):
    return make_message(provider=provider, to_address=to, category="promotional", **values)


def make_sent(provider, ago=HOUR, to=ANA, **values):
    values = {"status": "sent", "attempts": 1, "last_attempt_at": NOW - ago, **values}
    return make_promotional(provider, to, **values)


def make_job(provider, **fields):
    job = outbox.open_job(
        name="Spring",
        source="test",
        channel_type="email",
        category="promotional",
        provider=provider,
        at=NOW,
        **fields,
    )
    outbox.start_job(job, NOW)
    return job


def states(*messages):
    return [Message.objects.get(pk=message.pk).status for message in messages]


def test_without_a_cap_nobody_is_held_back(provider, scripted):
    make_sent(provider)
    message = make_promotional(provider)

    drain()

    assert states(message) == ["sent"]


def test_a_capped_message_waits_until_the_period_allows_it_and_then_goes(
    provider, scripted, at_now
):
    make_cap(number=2)
    make_sent(provider, 6 * DAY)
    make_sent(provider, 2 * DAY)
    message = make_promotional(provider)

    drain()
    message.refresh_from_db()
    waits = (message.status, message.due_at, message.error_message, message.attempts)
    at_now.move_to(NOW + DAY)
    promote(NOW + DAY)
    drain()

    text = "Frequency cap: at most 2 promotional e-mails a week to one address."
    assert waits == ("scheduled", NOW + DAY, text, 0)
    message.refresh_from_db()
    assert (message.status, message.error_message) == ("sent", "")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"status": "sent"}, "scheduled"),
        ({"status": "delivered"}, "scheduled"),
        ({"status": "uncertain"}, "scheduled"),
        ({"status": "failed"}, "sent"),  # refused: nothing was sent
        ({"status": "error"}, "sent"),
        ({"status": "expired"}, "sent"),
        ({"status": "suppressed"}, "sent"),
        ({"ago": 7 * DAY}, "sent"),
        ({"ago": 7 * DAY - SECOND}, "scheduled"),
        ({"to": "other@example.com"}, "sent"),
        ({"to": "other@example.com", "cc_addresses": ANA}, "sent"),
        ({"to": "Ana@Example.com"}, "scheduled"),
    ],
)
def test_what_was_really_sent_to_the_address_counts(provider, scripted, values, expected):
    make_cap()
    make_sent(provider, **values)
    message = make_promotional(provider)

    drain()

    assert states(message) == [expected]


def test_a_bounce_counts_because_the_message_was_sent(provider, scripted):
    make_cap()
    bounced = make_sent(provider, status="failed")
    MessageEvent.objects.create(message=bounced, provider=provider, type="sent", at=NOW)
    message = make_promotional(provider)

    drain()

    assert states(message) == ["scheduled"]


@pytest.mark.parametrize(
    ("before", "now"),
    [("aNa@example.com", "ANA@example.com"), ("ÄNA@example.com", "Äna@example.com")],
)
def test_the_address_of_the_message_may_be_written_in_any_way(provider, scripted, before, now):
    make_cap()
    make_sent(provider, to=before)
    message = make_promotional(provider, to=now)

    drain()

    assert states(message) == ["scheduled"]


@pytest.mark.parametrize(("counts_all", "expected"), [(True, "scheduled"), (False, "sent")])
@pytest.mark.parametrize("category", ["transactional", "otp"])
def test_transactional_messages_count_when_the_cap_says_so(
    provider, scripted, category, counts_all, expected
):
    make_cap(counts_all=counts_all)
    values = {"status": "delivered", "last_attempt_at": NOW - HOUR, "to_address": ANA}
    make_message(provider=provider, category=category, **values)
    message = make_promotional(provider)

    drain()

    assert states(message) == [expected]


@pytest.mark.parametrize("category", ["transactional", "otp"])
def test_transactional_messages_are_never_held_back(provider, scripted, category):
    make_cap()
    make_sent(provider)
    message = make_message(provider=provider, category=category, to_address=ANA)

    with CaptureQueriesContext(connection) as asked:
        deliver_now(message, at=NOW)

    assert states(message) == ["sent"]
    assert not [query for query in asked if "frequencycap" in query["sql"]]


def test_another_channel_does_not_count(provider, scripted):
    make_cap()
    make_sent(make_provider(channel_type="sms"))
    message = make_promotional(provider)

    drain()

    assert states(message) == ["sent"]


def test_another_provider_of_the_channel_counts(provider, scripted):
    make_cap()
    make_sent(make_provider())
    message = make_promotional(provider)

    drain()

    assert states(message) == ["scheduled"]


def test_an_inactive_cap_holds_nobody_back(provider, scripted):
    make_cap(is_active=False)
    make_sent(provider)
    message = make_promotional(provider)

    drain()

    assert states(message) == ["sent"]


def test_of_several_caps_the_one_that_opens_last_decides(provider, scripted):
    make_cap(number=1, period="day")
    make_cap(number=2, period="week")
    make_sent(provider, 3 * DAY)
    make_sent(provider, HOUR)
    message = make_promotional(provider)

    drain()

    message.refresh_from_db()
    assert message.due_at == NOW + 4 * DAY
    assert "2 promotional e-mails a week" in message.error_message


def test_of_one_claim_only_as_many_go_as_the_cap_allows(provider, scripted):
    make_cap(number=2)
    rows = [make_promotional(provider, to) for to in (ANA, "Ana@example.com", ANA)]

    drain()

    assert states(*rows) == ["sent", "sent", "scheduled"]


def test_what_another_worker_has_in_hand_counts_but_only_for_a_minute(provider, scripted):
    make_cap()
    other = make_sent(provider, status="sending", claimed_by="other", last_attempt_at=None)
    later = make_promotional(provider)

    drain()

    later.refresh_from_db()
    assert (later.status, later.due_at) == ("scheduled", NOW + 60 * SECOND)
    assert states(other) == ["sending"]


def test_two_workers_that_meet_do_not_get_out_of_each_others_way_for_ever(provider, scripted):
    make_cap()
    lanes = [make_lane(provider, category="promotional", priority=number) for number in (1, 2)]
    rows = [make_promotional(provider, lane=lane) for lane in lanes]
    with Worker(provider) as first, Worker(provider) as second:
        pairs = list(zip((first, second), lanes, strict=True))
        held = [(worker, claim(lane, 10, worker.name)) for worker, lane in pairs]
        # Both have looked before either has written.
        found = [caps.held_back(worker.loader.load(ids), NOW) for worker, ids in held]

    waits = [each[row.pk].due_at - NOW for each, row in zip(found, rows, strict=True)]
    assert waits == [30 * SECOND, 60 * SECOND]


def test_a_message_of_an_exempt_job_goes_and_counts(provider, scripted):
    make_cap()
    job = make_job(provider, is_cap_exempt=True)
    make_sent(provider)
    urgent = make_promotional(provider, job=job, lane=job.lanes.get())
    other = make_promotional(provider, "ben@example.com", job=job, lane=job.lanes.get())
    drain()
    after = make_promotional(provider, "ben@example.com")

    drain()

    assert states(urgent, other, after) == ["sent", "sent", "scheduled"]


@pytest.mark.parametrize(
    ("days", "expires_at", "expected"),
    [
        (None, None, "scheduled"),
        (7, None, "scheduled"),
        (6, None, "suppressed"),
        (0, None, "suppressed"),
        (7, NOW + 6 * DAY, "suppressed"),
        (None, NOW + 7 * DAY, "scheduled"),
    ],
)
def test_what_cannot_go_in_its_time_is_suppressed_at_once(
    provider, scripted, days, expires_at, expected
):
    make_cap()
    make_sent(provider, HOUR)
    job = make_job(provider, max_delay_days=days)
    message = make_promotional(provider, job=job, lane=job.lanes.get(), expires_at=expires_at)

    drain()

    message.refresh_from_db()
    assert message.status == expected
    assert message.error_message.startswith("Frequency cap: at most 1 promotional e-mail a week")
    assert ("It could have gone on 2026-03-09 11:00 UTC" in message.error_message) == (
        expected == "suppressed"
    )


def claimed_queries(provider, count):
    lane = make_lane(provider, category="promotional")
    for _ in range(count):
        make_promotional(provider, to=f"p{Message.objects.count()}@example.com")
    with Worker(provider) as worker:
        ids = claim(Lane.objects.get(pk=lane.pk), count, worker.name)
        loaded = worker.loader.load(ids)
        with CaptureQueriesContext(connection) as asked:
            assert len(screen(loaded, worker.name, NOW)) == count
    return len(asked), sum("row_number()" in query["sql"] for query in asked)


def test_a_claim_of_any_size_costs_one_query_with_a_cap_and_none_without(provider, scripted):
    claimed_queries(provider, 2)  # the caps are read
    without = claimed_queries(provider, 20)
    make_cap()
    caps.forget()
    claimed_queries(provider, 2)
    few, many = claimed_queries(provider, 2), claimed_queries(provider, 20)

    assert (without[1], many[1]) == (0, 1)
    assert few == many


def test_a_test_inbox_with_many_messages_is_read_in_part_only(provider, scripted):
    make_cap(number=2)
    for number in range(6):
        make_sent(provider, (number + 1) * HOUR)
    message = make_promotional(provider)

    drain()

    message.refresh_from_db()
    assert message.due_at == NOW - 2 * HOUR + 7 * DAY


def test_a_change_of_the_caps_is_heeded_after_some_seconds(provider, scripted, at_now):
    make_promotional(provider)
    drain()
    make_cap()
    too_soon = make_promotional(provider)
    drain()
    at_now.move_to(NOW + (caps.CACHE_SECONDS + 1) * SECOND)
    message = make_promotional(provider)

    drain()

    assert states(too_soon, message) == ["sent", "scheduled"]


def _slow(number, length, moments, at):
    """The first second from `at` on at which fewer than `number` lie in the period before it."""
    moment = at
    while sum(moment - length < each for each in moments) >= number:
        moment += datetime.timedelta(minutes=1)
    return moment


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_moment_is_the_first_that_the_period_allows(number):
    cap = Cap(number, HOUR, True, "")
    minute = datetime.timedelta(minutes=1)
    for pattern in range(2**6):
        moments = [NOW - 13 * bit * minute for bit in range(6) if pattern >> bit & 1]
        got = [Sent(1, moment, True) for moment in moments]

        found = caps.opens(cap, 2, got, NOW) or NOW

        assert found == _slow(number, HOUR, moments, NOW)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "At most 3 promotional e-mails a week to one address"),
        ({"number": 1, "period": "hour"}, "At most 1 promotional e-mail an hour to one address"),
        (
            {"channel_type": "sms", "number": 1, "period": "day"},
            "At most 1 promotional SMS a day to one address",
        ),
        (
            {"channel_type": "push", "number": 1000},
            "At most 1,000 promotional push messages a week to one address",
        ),
    ],
)
def test_a_cap_is_a_plain_sentence(values, expected):
    assert str(FrequencyCap(**values)) == expected
