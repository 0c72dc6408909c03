"""What the communication report finds, and how its pages follow each other."""

from __future__ import annotations

import datetime
import random

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from omnichannel import report_walk, reports
from omnichannel.choices import MessageStatus
from omnichannel.exceptions import TooSlow
from omnichannel.models import Message
from omnichannel.reports import GROUPS, Cursor, Wanted, page
from tests.factories import NOW, make_message, make_provider
from tests.factories_reports import make_job, make_many
from tests.factories_templates import make_version

pytestmark = pytest.mark.django_db
HOUR = datetime.timedelta(hours=1)


def ids(wanted=None, cursor=None, **options):
    return [row[0] for row in page(wanted or Wanted(), cursor, **options).rows]


def found(**asked):
    return ids(Wanted(**asked))


def test_the_newest_message_comes_first():
    first, second = make_message(), make_message()

    assert ids() == [second.pk, first.pk]


def test_each_filter_finds_its_message_and_no_other():
    sms, other = make_provider(channel_type="sms"), make_provider()
    version, job = make_version(), make_job(reference="7")
    make_message(provider=other, created_at=NOW - 9 * HOUR)
    wanted = make_message(
        provider=sms,
        to_address="+12025550143",
        status="failed",
        error_code="550",
        category="otp",
        job=job,
        template_version=version,
        created_at=NOW,
    )

    for asked in (
        {"channel_type": "sms"},
        {"address": "+1 202 555 0143"},
        {"address": "12025550143"},
        {"statuses": ("failed",)},
        {"statuses": GROUPS["error"]},
        {"since": NOW, "until": NOW + HOUR},
        {"template": version.template_id},
        {"job": job.pk},
        {"source": "campaign", "reference": "7"},
        {"provider": sms.pk},
        {"category": "otp"},
        {"error_code": "550"},
    ):
        assert found(**asked) == [wanted.pk], asked


def test_filters_are_taken_together():
    job = make_job()
    wanted = make_message(job=job, status="failed", error_code="550", to_address="a@example.com")
    make_message(job=job, status="failed", error_code="421")
    make_message(status="failed", error_code="550", to_address="a@example.com")

    assert found(job=job.pk, error_code="550") == [wanted.pk]
    assert found(job=job.pk, address="a@example.com", statuses=("failed",)) == [wanted.pk]
    assert found(job=job.pk, statuses=("sent",)) == []


@pytest.mark.parametrize(
    "asked",
    [
        {"template": 999},
        {"job": 999},
        {"provider": 999},
        {"source": "campaign", "reference": "999"},
        {"channel_type": "push"},
        {"address": "nobody@example.com"},
    ],
)
def test_what_does_not_exist_has_no_messages(asked):
    make_message()

    assert found(**asked) == []


def test_the_groups_share_all_statuses_among_them():
    in_groups = [status for statuses in GROUPS.values() for status in statuses]

    assert sorted(in_groups) == sorted(MessageStatus)


@pytest.mark.parametrize("status", MessageStatus.values)
def test_every_status_can_be_asked_for(status):
    for each in MessageStatus.values:
        make_message(status=each, due_at=NOW)

    rows = page(Wanted(statuses=(status,))).rows

    assert [row[3] for row in rows] == [status]


def test_an_address_is_found_however_it_was_typed():
    message = make_message(to_address="Ana@example.com")

    assert found(address=" Ana@EXAMPLE.com ") == [message.pk]
    assert found(address="ana@example.com.") == []


def test_pages_follow_each_other_while_rows_are_added(monkeypatch):
    monkeypatch.setattr(reports, "PAGE", 3)
    before = [make_message().pk for _ in range(8)][::-1]
    first = page(Wanted())
    added = [make_message().pk for _ in range(4)][::-1]

    second = page(Wanted(), Cursor(first.older))
    third = page(Wanted(), Cursor(second.older))

    shown = [row[0] for part in (first, second, third) for row in part.rows]
    assert shown == before
    assert third.older is None
    back = page(Wanted(), Cursor(third.newer, is_newer=True))
    assert back.rows == second.rows
    assert ids(Wanted(), Cursor(back.newer, is_newer=True)) == before[:3]
    assert ids(Wanted(), Cursor(before[0], is_newer=True)) == added[1:]


def test_a_page_back_that_is_not_full_is_the_newest_one(monkeypatch):
    monkeypatch.setattr(reports, "PAGE", 3)
    every = [make_message().pk for _ in range(5)][::-1]

    back = page(Wanted(), Cursor(every[1], is_newer=True))

    assert [row[0] for row in back.rows] == every[:3]
    assert back.newer is None


def test_a_search_that_runs_out_of_time_goes_on_where_it_stopped(monkeypatch):
    monkeypatch.setattr(report_walk, "WINDOW", 10)
    wanted = make_message(category="otp")
    make_many(35)

    steps, cursor, hits = 0, None, []
    while steps < 10:
        part = page(Wanted(category="otp"), cursor, seconds=0)
        hits += [row[0] for row in part.rows]
        steps += 1
        if part.searched_to is None:
            break
        cursor = Cursor(part.searched_to)

    assert hits == [wanted.pk]
    assert 3 <= steps <= 5


def test_ids_that_nobody_has_cost_no_window(monkeypatch):
    monkeypatch.setattr(report_walk, "WINDOW", 10)
    low = make_message(category="otp")
    make_message(pk=low.pk + 1_000_000_000)

    part = page(Wanted(category="otp"), Cursor(low.pk + 1_000_000_000), seconds=0)

    assert [row[0] for row in part.rows] == [low.pk]


def test_few_rows_are_found_by_their_index_however_old(monkeypatch):
    monkeypatch.setattr(report_walk, "WINDOW", 10)
    job = make_job()
    old = make_message(job=job, status="cancelled", to_address="old@example.com")
    make_many(100)

    for asked in ({"job": job.pk}, {"address": "old@example.com"}):
        part = page(Wanted(**asked), seconds=0)
        assert [row[0] for row in part.rows] == [old.pk], asked
        assert part.searched_to is None, asked


def test_many_rows_of_an_address_are_walked(monkeypatch):
    monkeypatch.setattr(report_walk, "FEW", 5)
    sent = make_many(20, to_address="busy@example.com")
    make_many(3)

    assert found(address="busy@example.com") == sent[::-1]
    assert found(address="busy@example.com", statuses=("failed",)) == []


def test_everything_holds_each_row_once(monkeypatch):
    monkeypatch.setattr(report_walk, "WINDOW", 7)
    every = make_many(53)

    parts = list(reports.everything(Wanted(), size=10))

    assert [row[0] for part in parts for row in part] == every[::-1]


def test_what_is_written_later_is_not_in_an_export_under_way():
    every = make_many(20)
    parts = reports.everything(Wanted(), size=5)

    first = next(parts)
    make_many(5)

    assert [row[0] for part in (first, *parts) for row in part] == every[::-1]


def test_a_statement_that_takes_too_long_is_stopped_with_advice():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite knows no limit of a statement")

    with (
        pytest.raises(TooSlow, match="shorter time"),
        reports.bounded(1),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_sleep(10)")


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({"address": "a@example.com"}, "message_to"),
        ({"job": 1, "statuses": ("cancelled",)}, "message_job_status"),
        ({"statuses": ("failed",)}, "message_trouble"),
        ({"statuses": ("sending",)}, "message_claimed"),
        ({"statuses": ("scheduled",)}, "message_due"),
    ],
)
def test_what_has_an_index_is_looked_up_in_it(asked, index):
    job = make_job()
    make_many(2_000, status="sent", job=job)
    wanted = Wanted(**asked | ({"job": job.pk} if "job" in asked else {}))
    statements = []

    def seen(execute, sql, params, many, context):
        if sql.startswith("SELECT") and '"omnichannel_message"."id"' in sql:
            statements.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(seen):
        page(wanted)

    assert index in " ".join(_explained(statements))


def _explained(statements):
    with reports.bounded(5), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE omnichannel_message")
        for sql, params in statements:
            word = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
            cursor.execute(word + sql, params)
            yield str(cursor.fetchall())


class DatesAndIds(TestCase):
    """A range of days becomes a range of ids that leaves nothing out and takes little more in."""

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 2**32), st.integers(0, 400), st.integers(0, 200))
    def test_no_row_of_the_time_is_outside(self, seed, first, length):
        draw = random.Random(seed)
        Message.objects.all().delete()
        written = [NOW + step * HOUR for step in sorted(draw.choices(range(400), k=60))]
        moments = [at - draw.random() * reports.PAD * draw.choice((0, 0, 1)) for at in written]
        ids = make_many(len(moments), created_at=moments)
        since = NOW + first * HOUR
        until = since + length * HOUR

        plan = reports.plan_of(Wanted(since=since, until=until))

        for pk, wrote, at in zip(ids, written, moments, strict=True):
            is_inside = plan.low <= pk < plan.high
            assert is_inside or not since <= at < until
            is_far = wrote < since - 2 * reports.PAD or wrote > until + 2 * reports.PAD
            assert not (is_inside and is_far)
