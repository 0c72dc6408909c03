"""The chart of the first page: events by hour, without counting a whole day again and again."""

from __future__ import annotations

import datetime

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.admin.dashboard import events_by_hour
from tests.factories import NOW, make_message
from tests.factories_reports import make_event

pytestmark = pytest.mark.django_db
HOUR = datetime.timedelta(hours=1)


@pytest.fixture(autouse=True)
def fresh_cache():
    cache.clear()


def test_events_are_counted_in_their_hour():
    message = make_message()
    for kind, at in (
        ("sent", NOW + HOUR / 2),
        ("sent", NOW),
        ("failed", NOW - 23 * HOUR),
        ("sent", NOW - 23 * HOUR - HOUR / 60),
    ):
        make_event(message, kind, at=at)

    found = events_by_hour(NOW + HOUR / 2)

    assert found == {("2026-03-02 12", "sent"): 2, ("2026-03-01 13", "failed"): 1}


def test_an_hour_that_is_over_is_not_counted_with_every_page():
    make_event(make_message(), "sent")
    first = events_by_hour(NOW)

    with CaptureQueriesContext(connection) as queries:
        second = events_by_hour(NOW)

    assert second == first
    assert not queries.captured_queries


def test_an_event_of_now_is_shown_after_a_while_and_the_old_hours_stay():
    message = make_message()
    events_by_hour(NOW)
    make_event(message, "sent")
    for hour in (12, 11):
        cache.delete(f"dashboard:events:2026-03-02-{hour}")

    with CaptureQueriesContext(connection) as queries:
        found = events_by_hour(NOW)

    assert found == {("2026-03-02 12", "sent"): 1}
    assert len(queries) == 2
