"""How soon a single message leaves on a quiet system, from its row to the wire."""

from __future__ import annotations

import time
from collections.abc import Iterator

from omnichannel.benchmarks.base import BenchOptions, Figure
from omnichannel.benchmarks.product import Product
from omnichannel.benchmarks.timing import (
    latency,
    pauses,
    percentile,
    queue_by_form,
    smtp_provider,
)
from omnichannel.benchmarks.watched_sink import WatchedSink
from omnichannel.choices import Category

NAME = "latency"
N = 100
WARM_UP = 4
PAUSE = (0.05, 0.45)  # seconds between two messages


def run(options: BenchOptions) -> Iterator[Figure]:
    """Messages written in the Studio one by one, each on its way before the next."""
    pause = pauses(*PAUSE)
    seconds: list[float] = []
    with WatchedSink("quiet") as sink, Product(options.db) as product:
        provider = smtp_provider(sink.port)
        browser = product.sign_in()
        for number in range(-WARM_UP, options.n):
            to = f"quiet{number}@example.com"
            queue_by_form(browser, provider.pk, to, Category.TRANSACTIONAL)
            took = latency(sink, to)
            if number >= 0:
                seconds.append(took)
            time.sleep(next(pause))
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        value = 1000 * percentile(seconds, share)
        yield Figure(f"queue.latency_ms_{name}", value, "ms", len(seconds), sum(seconds))
