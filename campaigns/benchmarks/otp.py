"""How soon a one-time password leaves during a campaign through the same provider."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.files import File

from campaigns.benchmarks.recipe import is_under_way, make_campaign, run_by_dialog
from campaigns.choices import ImportStatus
from campaigns.import_mapping import Mapping
from campaigns.models import Audience, AudienceImport, Campaign
from omnichannel.benchmarks.base import BenchOptions, Figure
from omnichannel.benchmarks.browser import Browser
from omnichannel.benchmarks.product import ONE_PER_QUEUE, ONE_WORKER, Product, wait_until
from omnichannel.benchmarks.timing import (
    latency,
    pauses,
    percentile,
    queue_by_form,
    smtp_provider,
)
from omnichannel.benchmarks.watched_sink import WatchedSink
from omnichannel.choices import Category

NAME = "otp"
N = 100_000
LAYOUTS: dict[str, dict[str, tuple[str, ...]]] = {
    "sqlite": {"embedded": ()},
    "postgresql": {"one_worker": ONE_WORKER, "worker_per_queue": ONE_PER_QUEUE},
}
PAUSE = (0.02, 0.3)  # seconds between two passwords
LOAD_SECONDS = 45.0  # of a campaign that are looked at
RATE_LIMIT = 200
LIMITED_SECONDS = 10.0


def run(options: BenchOptions) -> Iterator[Figure]:
    """The slowest of a hundred, while a file is imported, messages are written and sent.

    With PostgreSQL, with one Celery worker for all queues and with one for each; then with a
    provider that allows RATE_LIMIT messages a second. The fixed figure is the worst of all.
    """
    worst: list[list[float]] = []
    for name, layout in LAYOUTS[options.db].items():
        with WatchedSink("otp") as sink, Product(options.db, layout=layout) as product:
            browser = product.sign_in()
            found = _under_load(options, browser, sink, name)
            yield _figure(f"queue.otp_latency_ms_p99_{name}", found)
            limited = _rate_limited(options, browser, sink, name)
            yield _figure(f"queue.otp_latency_ms_p99_{name}_rate_limited", limited)
            worst += [found, limited]
    yield _figure("queue.otp_latency_ms_p99_under_load", max(worst, key=_p99))


def _under_load(
    options: BenchOptions, browser: Browser, sink: WatchedSink, name: str
) -> list[float]:
    provider = smtp_provider(sink.port, name=f"Bench {name}")
    campaign = make_campaign(provider, options.n)
    _import(options.n, name)
    return _beside(campaign, browser, sink)


def _rate_limited(
    options: BenchOptions, browser: Browser, sink: WatchedSink, name: str
) -> list[float]:
    provider = smtp_provider(sink.port, name=f"Limited {name}", rate_limit=RATE_LIMIT)
    campaign = make_campaign(provider, min(options.n, int(RATE_LIMIT * LIMITED_SECONDS)))
    return _beside(campaign, browser, sink)


def _beside(campaign: Campaign, browser: Browser, sink: WatchedSink) -> list[float]:
    """Run the campaign; seconds that passwords take, one by one, until it is over."""
    pause = pauses(*PAUSE)
    run_by_dialog(browser, campaign)
    ends = time.monotonic() + LOAD_SECONDS
    found: list[float] = []
    while not found or (time.monotonic() < ends and is_under_way(campaign)):
        to = f"otp-{campaign.identifier}-{len(found)}@example.com"
        queue_by_form(browser, campaign.provider_id, to, Category.OTP)
        found.append(latency(sink, to))
        time.sleep(next(pause))
    return found


def _import(count: int, name: str) -> None:
    """A file of `count` rows that waits to be imported."""
    path = Path(settings.VAR_DIR) / f"{name}.csv"
    rows = "".join(f"{name}{number}@example.com,First{number}\n" for number in range(count))
    path.write_text(f"email,first_name\n{rows}", encoding="utf-8")
    row = AudienceImport(
        audience=Audience.objects.create(name=name),
        status=ImportStatus.QUEUED,
        original_name=path.name,
        headers=["email", "first_name"],
        mapping=Mapping(0, None, {"first_name": 1}, "email").as_json(),
        bytes_total=path.stat().st_size,
    )
    with path.open("rb") as file:
        row.file.save(path.name, File(file))
    wait_until(lambda: _is_begun(row), "The import")


def _is_begun(row: AudienceImport) -> bool:
    return not AudienceImport.objects.filter(pk=row.pk, status=ImportStatus.QUEUED).exists()


def _p99(seconds: list[float]) -> float:
    return percentile(seconds, 0.99)


def _figure(name: str, seconds: list[float]) -> Figure:
    return Figure(name, 1000 * _p99(seconds), "ms", len(seconds), sum(seconds))
