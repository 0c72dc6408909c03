"""How fast the communication report filters and exports, and a campaign's report is made."""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.utils import timezone

from campaigns import report as campaign_report
from campaigns.models import Audience, Campaign, CampaignRun
from omnichannel import report_rows, reports
from omnichannel.benchmarks.base import BenchOptions, Figure, peak_mb
from omnichannel.benchmarks.mixed_rows import BUSY_ADDRESS, RARE_CODE, Mix, write_mix
from omnichannel.benchmarks.timing import percentile
from omnichannel.reports import GROUPS, Wanted

NAME = "report"
N = 1_000_000
ROUNDS = 3
# What a plan must not say: the whole table, or a whole index but for those of a few rows.
WHOLE = {
    "postgresql": re.compile("Seq Scan on omnichannel_message"),
    "sqlite": re.compile("SCAN omnichannel_message(?! USING INDEX message_(ready|due|claimed))"),
}
EXPLAIN = {"postgresql": "EXPLAIN ", "sqlite": "EXPLAIN QUERY PLAN "}


class Statements:
    """The SELECTs of a page, to be explained."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "omnichannel_message" in sql and " WHERE " in sql and sql.startswith("SELECT"):
            self.seen.append((sql, params))
        return execute(sql, params, many, context)

    def plans(self) -> list[str]:
        found = []
        with reports.bounded(60), connection.cursor() as cursor:
            for sql, params in self.seen:
                cursor.execute(EXPLAIN[connection.vendor] + sql, params)
                found.append("\n".join(str(row) for row in cursor.fetchall()))
        return found


def run(options: BenchOptions) -> Iterator[Figure]:
    """p95 over pages of a fixed list of filters, the worst of them, and an export."""
    began = time.monotonic()
    mix = write_mix(options.n, end=timezone.now())
    yield Figure("report.fill_seconds", time.monotonic() - began, "s", options.n)
    yield from _filters(mix, options.n)
    yield from _export(options.n)
    yield from _campaign(mix)


def _filters(mix: Mix, n: int) -> Iterator[Figure]:
    times: dict[str, list[float]] = {}
    full: set[str] = set()
    for name, wanted in combinations(mix).items():
        statements = Statements()
        for _ in range(ROUNDS):
            times.setdefault(name, []).extend(_pages(wanted, statements))
        if any(WHOLE[connection.vendor].search(plan) for plan in statements.plans()):
            full.add(name)
    every = [seconds for found in times.values() for seconds in found]
    worst = max(times, key=lambda name: max(times[name]))
    size = f"{n // 1_000_000}m" if n >= 1_000_000 else f"{n // 1_000}k"
    yield Figure(
        f"report.filter_ms_p95_at_{size}", 1000 * percentile(every, 0.95), "ms", len(every)
    )
    yield Figure(f"report.filter_ms_p50_at_{size}", 1000 * percentile(every, 0.5), "ms", len(every))
    yield Figure(f"report.worst_ms: {worst}", 1000 * max(times[worst]), "ms", len(times[worst]))
    yield Figure("report.plans_without_index", len(full), "filters", len(times))


def _pages(wanted: Wanted, statements: Statements) -> Iterator[float]:
    """Seconds of the first page, of the next, and of the one back."""
    cursor = None
    for _ in range(2):
        began = time.monotonic()
        with connection.execute_wrapper(statements):
            page = reports.page(wanted, cursor)
        yield time.monotonic() - began
        following = page.older or page.searched_to
        if following is None:
            return
        cursor = reports.Cursor(following)
    began = time.monotonic()
    with connection.execute_wrapper(statements):
        reports.page(wanted, reports.Cursor(cursor.id if cursor else 0, is_newer=True))
    yield time.monotonic() - began


def combinations(mix: Mix) -> dict[str, Wanted]:
    week = mix.end - datetime.timedelta(days=7)
    middle = mix.begin + datetime.timedelta(days=12)
    day = datetime.timedelta(days=1)
    old, new = mix.jobs[1], mix.jobs[-1]
    template = mix.versions[0].template_id
    return {
        "all": Wanted(),
        "last week": Wanted(since=week),
        "a day in the middle": Wanted(since=middle, until=middle + day),
        "sms of the week": Wanted(channel_type="sms", since=week),
        "push": Wanted(channel_type="push"),
        "one address": Wanted(address="person000000123@example.com"),
        "address of nobody": Wanted(address="nobody@example.com"),
        "busy address": Wanted(address=BUSY_ADDRESS),
        "busy address, failed": Wanted(address=BUSY_ADDRESS, statuses=("failed",)),
        "success": Wanted(statuses=GROUPS["success"], since=week),
        "error": Wanted(statuses=GROUPS["error"]),
        "waiting": Wanted(statuses=GROUPS["waiting"]),
        "suppressed": Wanted(statuses=GROUPS["suppressed"], since=week),
        "sending": Wanted(statuses=("sending",)),
        "expired": Wanted(statuses=("expired",)),
        "old job": Wanted(job=old.pk),
        "old job, failed": Wanted(job=old.pk, statuses=("failed",)),
        "old job, cancelled": Wanted(job=old.pk, statuses=("cancelled",)),
        "old job, one address": Wanted(job=old.pk, address="person000000123@example.com"),
        "campaign": Wanted(source="campaign", reference=new.reference),
        "campaign of nobody": Wanted(source="campaign", reference="999999"),
        "template": Wanted(template=template, since=week),
        "template, old": Wanted(template=template, since=mix.begin, until=mix.begin + day),
        "provider": Wanted(provider=mix.providers[1].pk),
        "category": Wanted(category="transactional", since=week),
        "category of nothing": Wanted(category="otp"),
        "code": Wanted(error_code="550"),
        "code, failed, provider": Wanted(
            error_code="550", statuses=("failed",), provider=mix.providers[0].pk
        ),
        "rare code": Wanted(error_code=RARE_CODE),
        "no code": Wanted(error_code="none of these"),
        "no code, failed": Wanted(error_code="none of these", statuses=GROUPS["error"]),
    }


def _export(n: int) -> Iterator[Figure]:
    began, size = time.monotonic(), 0
    for part in report_rows.csv_parts(Wanted()):
        size += len(part)
    seconds = time.monotonic() - began
    yield Figure("report.export_rows_per_s", n / seconds, "rows/s", n, seconds, peak_mb())
    yield Figure("report.export_peak_mb", peak_mb(), "MB", n)
    yield Figure("report.export_file_mb", size / 1e6, "MB", n)


def _campaign(mix: Mix) -> Iterator[Figure]:
    """The report of one campaign whose runs hold four fifths of all messages."""
    campaign = Campaign.objects.create(
        name="Mix",
        identifier="mix",
        template=mix.versions[0].template,
        audience=Audience.objects.create(name="Mix"),
    )
    runs = [
        CampaignRun.objects.create(
            campaign=campaign, job=job, recipient_column="email", written_at=job.created_at
        )
        for job in mix.jobs
    ]
    began = time.monotonic()
    found = campaign_report.of(runs, timezone.now())
    seconds = time.monotonic() - began
    events = sum(found.reached.values())
    yield Figure("report.campaign_seconds", seconds, "s", found.recipients, seconds, peak_mb())
    yield Figure("report.campaign_events", events, "messages with an event", found.recipients)
