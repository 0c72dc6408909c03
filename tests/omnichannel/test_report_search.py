"""Random messages, random filters: the report against a filter in Python."""

from __future__ import annotations

import datetime
import random
from unittest import mock

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from omnichannel import report_walk, reports
from omnichannel.choices import MessageStatus
from omnichannel.models import Message
from omnichannel.reports import GROUPS, Cursor, Wanted
from tests.factories import NOW, make_provider
from tests.factories_reports import make_job, make_many

pytestmark = pytest.mark.django_db
HOUR = datetime.timedelta(hours=1)
STATUSES = [*GROUPS.values(), *((status,) for status in MessageStatus.values)]


class AgainstPython(TestCase):
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 2**32))
    def test_pages_and_export_hold_what_matches_and_nothing_else(self, seed):
        draw = random.Random(seed)
        Message.objects.all().delete()
        rows = _random_rows(draw)
        wanted = _random_filter(draw, rows)
        expected = [row.pk for row in rows[::-1] if _matches(row, wanted)]
        sizes = {"WINDOW": draw.choice([3, 10, 1_000]), "FEW": draw.choice([0, 5, 1_000])}

        with mock.patch.multiple(report_walk, **sizes), mock.patch.object(reports, "PAGE", 4):
            seconds = draw.choice([0, 60])
            forward = _forward(wanted, seconds)
            backward = _backward(wanted, rows[0].pk - 1, seconds)
            exported = [row[0] for part in reports.everything(wanted, size=5) for row in part]

        assert forward == expected
        assert exported == expected
        assert set(backward) <= set(expected)
        assert len(backward) == len(set(backward))


def _random_rows(draw):
    providers = [make_provider(), make_provider(), make_provider(channel_type="sms")]
    jobs = [None, make_job(reference="1"), make_job(reference="1"), make_job(reference="2")]
    addresses = [f"p{number}@example.com" for number in range(20)]
    ids = []
    for number in range(draw.randrange(1, 40)):
        gap = {"id": ids[-1] + 50} if ids and draw.random() < 0.1 else {}
        ids += make_many(
            1,
            provider=draw.choice(providers),
            job=draw.choice(jobs),
            to_address=draw.choice(addresses) if number % 3 else f"own{number}@example.com",
            status=draw.choice(MessageStatus.values),
            category=draw.choice(["otp", "promotional"]),
            error_code=draw.choice(["", "550"]),
            created_at=NOW + (number - draw.randrange(20)) * HOUR,
            **gap,
        )
        if gap and connection.vendor == "postgresql":  # later rows have higher ids
            with connection.cursor() as cursor:
                cursor.execute("SELECT setval('omnichannel_message_id_seq', %s)", [ids[-1]])
        Message.objects.filter(pk__in=ids[-1:], job__isnull=False).update(
            to_address=f"own{number}@example.com"
        )
    rows = Message.objects.order_by("id").select_related("job", "provider")
    return list(rows)


def _random_filter(draw, rows):
    row = draw.choice(rows)
    every = {
        "channel_type": row.provider.channel_type,
        "address": row.to_address.upper().replace("@EXAMPLE", "@example"),
        "statuses": draw.choice(STATUSES),
        "since": row.created_at - draw.randrange(3) * HOUR,
        "until": row.created_at + draw.randrange(4) * HOUR,
        "job": row.job_id,
        "provider": row.provider_id,
        "category": row.category,
        "error_code": row.error_code,
    }
    chosen = {name: value for name, value in every.items() if draw.random() < 0.3}
    if row.job and draw.random() < 0.3:
        chosen |= {"source": "campaign", "reference": row.job.reference}
    return Wanted(**chosen)


def _matches(row, wanted):
    said = wanted.address.strip()
    return (
        wanted.channel_type in ("", row.provider.channel_type)
        and (not said or row.to_address in {said, said.lower()})
        and (not wanted.statuses or row.status in wanted.statuses)
        and (wanted.since is None or row.created_at >= wanted.since)
        and (wanted.until is None or row.created_at < wanted.until)
        and wanted.job in (None, row.job_id)
        and (not wanted.reference or (row.job and row.job.reference == wanted.reference))
        and wanted.provider in (None, row.provider_id)
        and wanted.category in ("", row.category)
        and wanted.error_code in ("", row.error_code)
    )


def _forward(wanted, seconds):
    found, cursor = [], None
    for _ in range(500):
        part = reports.page(wanted, cursor, seconds=seconds)
        found += [row[0] for row in part.rows]
        following = part.older or part.searched_to
        if following is None:
            return found
        cursor = Cursor(following)
    raise AssertionError("The pages have no end.")


def _backward(wanted, begin, seconds):
    found, cursor = [], Cursor(begin, is_newer=True)
    for _ in range(500):
        part = reports.page(wanted, cursor, seconds=seconds)
        if part.newer is None:  # the newest page
            return found
        found += [row[0] for row in part.rows]
        assert part.newer >= cursor.id
        cursor = Cursor(part.newer, is_newer=True)
    raise AssertionError("The pages have no end.")
