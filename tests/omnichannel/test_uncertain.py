from __future__ import annotations

import datetime
import logging

import pytest

from omnichannel import uncertain
from tests.factories import NOW, make_message, make_provider

pytestmark = pytest.mark.django_db

MINUTE = datetime.timedelta(minutes=1)


def make_uncertain(minutes: float, **values):
    return make_message(status="uncertain", last_attempt_at=NOW - minutes * MINUTE, **values)


def told(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_message_is_overdue_after_the_limit_of_the_server():
    late = make_uncertain(60)
    make_uncertain(59)
    make_message(status="failed", last_attempt_at=NOW - 60 * MINUTE)

    assert [row.pk for row in uncertain.overdue(NOW)] == [late.pk]
    assert uncertain.overdue_count(NOW) == 1
    assert uncertain.oldest_overdue(NOW) == NOW - 60 * MINUTE


def test_a_providers_own_limit_comes_first(settings):
    settings.UNCERTAIN_ALERT_MINUTES = 30
    hasty, slow = (
        make_provider(uncertain_alert_minutes=5),
        make_provider(uncertain_alert_minutes=90),
    )
    expected = {make_uncertain(5, provider=hasty).pk, make_uncertain(30).pk}
    make_uncertain(89, provider=slow)

    assert {row.pk for row in uncertain.overdue(NOW)} == expected


def test_an_overdue_message_is_told_of_in_the_log_once(caplog):
    provider = make_provider(name="Relay")
    make_uncertain(61, provider=provider)
    make_uncertain(75, provider=provider)

    counts = [uncertain.tell_overdue(NOW + minute * MINUTE) for minute in (0, 1, 30)]

    assert counts == [2, 0, 0]
    assert told(caplog) == [
        "Relay: 2 messages have been uncertain for too long, the oldest since 2026-03-02 10:45 "
        "UTC. Settle them in the list of uncertain messages."
    ]


def test_what_becomes_overdue_later_is_told_of_at_most_every_ten_minutes(caplog):
    provider = make_provider()
    for minutes in (60, 58, 56):
        make_uncertain(minutes, provider=provider)

    counts = [uncertain.tell_overdue(NOW + minute * MINUTE) for minute in (0, 2, 4, 10, 12)]

    assert counts == [1, 0, 0, 2, 0]
    assert len(told(caplog)) == 2


def test_nothing_is_told_while_all_is_within_its_limit(caplog):
    make_uncertain(59)

    assert uncertain.tell_overdue(NOW) == 0
    assert told(caplog) == []


@pytest.mark.parametrize(
    ("provider", "values", "text"),
    [
        ({}, {}, "Held until it is settled"),
        ({"on_uncertain": "retry"}, {}, "Sent again at 2026-03-02 12:04 UTC"),
        ({"on_uncertain_otp": "retry"}, {"category": "otp"}, "Sent again at 2026-03-02 12:04 UTC"),
        ({"on_uncertain": "retry"}, {"attempts": 9}, "Held: no retries left"),
        ({"on_uncertain": "retry"}, {"expires_at": NOW}, "Held: its time has ended"),
    ],
)
def test_what_happens_by_itself_is_told(provider, values, text):
    message = make_uncertain(1, provider=make_provider(**provider), **values)

    assert uncertain.what_happens(message, NOW) == text


def test_of_a_message_that_is_not_uncertain_nothing_is_told():
    assert uncertain.what_happens(make_message(status="sent"), NOW) == ""
