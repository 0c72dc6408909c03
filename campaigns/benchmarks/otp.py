"""How soon a one-time password leaves during a campaign through the same provider.

Passwords are queued as messages by the form of the Studio and, where `ask` is given, asked for by
that in turn. `config.benchmarks.otp` gives it: campaigns know nothing of the engine of passwords.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
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

N = 100_000
Ask = Callable[[int, int, str], None]  # (port of the product, provider's id, e-mail address)
LAYOUTS: dict[str, dict[str, tuple[str, ...]]] = {
    "sqlite": {"embedded": ()},
    "postgresql": {"one_worker": ONE_WORKER, "worker_per_queue": ONE_PER_QUEUE},
}
PAUSE = (0.02, 0.3)  # seconds between two passwords
LOAD_SECONDS = 45.0  # of a campaign that are looked at
RATE_LIMIT = 200
LIMITED_SECONDS = 10.0


@dataclass
class Found:
    """Seconds that passwords took, one by one."""

    queued: list[float] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Bench:
    options: BenchOptions
    product: Product
    browser: Browser
    sink: WatchedSink
    ask: Ask | None


def run(options: BenchOptions, ask: Ask | None = None) -> Iterator[Figure]:
    """The slowest of a hundred, while a file is imported, messages are written and sent.

    With PostgreSQL, with one Celery worker for all queues and with one for each; then with a
    provider that allows RATE_LIMIT messages a second. The fixed figures are the worst of all.
    """
    worst: list[Found] = []
    for name, layout in LAYOUTS[options.db].items():
        with WatchedSink("otp") as sink, Product(options.db, layout=layout) as product:
            bench = Bench(options, product, product.sign_in(), sink, ask)
            found = _under_load(bench, name)
            yield _figure(f"queue.otp_latency_ms_p99_{name}", found.queued)
            limited = _rate_limited(bench, name)
            yield _figure(f"queue.otp_latency_ms_p99_{name}_rate_limited", limited.queued)
            worst += [found, limited]
    queued = [found.queued for found in worst]
    yield _figure("queue.otp_latency_ms_p99_under_load", max(queued, key=_p99))
    if asked := [found.asked for found in worst if found.asked]:
        yield _figure("otp.latency_ms_p99_under_campaign", max(asked, key=_p99))


def _under_load(bench: Bench, name: str) -> Found:
    provider = smtp_provider(bench.sink.port, name=f"Bench {name}")
    campaign = make_campaign(provider, bench.options.n)
    _import(bench.options.n, name)
    return _beside(campaign, bench)


def _rate_limited(bench: Bench, name: str) -> Found:
    provider = smtp_provider(bench.sink.port, name=f"Limited {name}", rate_limit=RATE_LIMIT)
    count = min(bench.options.n, int(RATE_LIMIT * LIMITED_SECONDS))
    # Who asks when the limit is reached is told so at once: only what is queued waits.
    return _beside(make_campaign(provider, count), replace(bench, ask=None))


def _beside(campaign: Campaign, bench: Bench) -> Found:
    """Run the campaign; passwords go one by one, until it is over."""
    pause = pauses(*PAUSE)
    run_by_dialog(bench.browser, campaign)
    ends = time.monotonic() + LOAD_SECONDS
    found = Found()
    while not found.queued or (time.monotonic() < ends and is_under_way(campaign)):
        to = f"otp-{campaign.identifier}-{len(found.queued)}@example.com"
        queue_by_form(bench.browser, campaign.provider_id, to, Category.OTP)
        found.queued.append(latency(bench.sink, to))
        time.sleep(next(pause))
        if bench.ask:
            found.asked.append(_asked(bench, bench.ask, campaign, len(found.asked)))
            time.sleep(next(pause))
    return found


def _asked(bench: Bench, ask: Ask, campaign: Campaign, number: int) -> float:
    """From just before the call to its arrival."""
    to = f"otp-asked-{campaign.identifier}-{number}@example.com"
    began = time.time()
    ask(bench.product.port, campaign.provider_id or 0, to)
    return bench.sink.arrival(to) - began


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
