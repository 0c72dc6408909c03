"""A burst of signed events over HTTP, stored and applied while messages are being sent.

A real server takes them: gunicorn on PostgreSQL, waitress on SQLite. One process applies them and
one sends, as ticks do, without their pauses between two runs.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count

from omnichannel import endpoints
from omnichannel.benchmarks.base import BenchOptions, Figure, peak_mb
from omnichannel.benchmarks.event_burst import Burst, public_key
from omnichannel.benchmarks.many_rows import write_rows
from omnichannel.benchmarks.product import TIED, free_port, wait_until
from omnichannel.benchmarks.smtp_sink import SmtpSink
from omnichannel.benchmarks.timing import percentile, smtp_provider
from omnichannel.choices import Category, MessageStatus
from omnichannel.models import ChannelProvider, Lane, Message, MessageEvent, ReceivedEvent

NAME = "webhooks"
N = 1_000_000
ALONE_SECONDS = 5.0
MOST_PER_SECOND = 6_000  # messages; so many are there to be sent for as long as it takes

APPLY = """
import django; django.setup()
import time
from django.utils import timezone
from omnichannel import receipts
while True:
    receipts.apply_due(timezone.now(), time.monotonic() + 50, lambda: False)
    time.sleep(0.1)
"""
SEND = """
import django; django.setup()
from omnichannel.delivery import drain
drain(("promotional",), seconds=3600)
"""
SERVERS = {
    "postgresql": (
        *("gunicorn", "config.wsgi", "--worker-class", "gthread", "--workers", "2"),
        *("--threads", "4", "--log-level", "warning", "--bind", "127.0.0.1:{port}"),
    ),
    "sqlite": (
        *("waitress", "--threads", "8", "--listen", "127.0.0.1:{port}"),
        "config.wsgi:application",
    ),
}


@dataclass
class Pace:
    """How many messages the sink took within how many seconds."""

    messages: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.messages / self.seconds


def run(options: BenchOptions) -> Iterator[Figure]:
    provider = ChannelProvider.objects.create(
        name="Events", backend="sendgrid", app_key="-", app_config={"webhook_key": public_key()}
    )
    endpoints.switch(provider, on=True)
    lane = Lane.objects.create(provider=provider, category=Category.PROMOTIONAL)
    messages = (options.n + 1) // 2
    write_rows(lane, messages, MessageStatus.SENT)
    port = free_port()
    path = endpoints.path_of(endpoints.endpoint_of(provider))
    burst = Burst(port, path, options.n, _first_number(lane))
    with SmtpSink() as sink, contextlib.ExitStack() as running:
        _queue(sink, options.n)
        running.enter_context(_process("-m", *(w.format(port=port) for w in SERVERS[options.db])))
        running.enter_context(_process("-c", SEND))
        wait_until(lambda: sink.count() > 0, "The first message")
        alone = _watched(sink, lambda: time.sleep(ALONE_SECONDS))
        wait_until(burst.is_answered, "The start of the server")
        running.enter_context(_process("-c", APPLY))
        began = time.monotonic()
        beside = _watched(sink, lambda: _until_applied(burst))
        took = time.monotonic() - began
    yield from _figures(burst, provider, took, alone, beside)


def _figures(
    burst: Burst, provider: ChannelProvider, took: float, alone: Pace, beside: Pace
) -> Iterator[Figure]:
    events = MessageEvent.objects.filter(provider=provider)
    kept = events.count()
    distinct = events.aggregate(number=Count("event_id", distinct=True))["number"]
    n = burst.n
    yield Figure("webhooks.events_per_s", n / took, "events/s", n, took, peak_mb(children=True))
    yield Figure("webhooks.stored_per_s", n / burst.seconds, "events/s", n, burst.seconds)
    yield Figure("webhooks.lost", n - distinct + _unmoved(provider), "events", n)
    yield Figure("webhooks.doubled", kept - distinct, "events", n)
    answers = [1000 * each for each in burst.answers]
    yield Figure("webhooks.answer_ms_p99", percentile(answers, 0.99), "ms", len(answers))
    yield Figure("webhooks.send_alone", alone.rate, "messages/s", alone.messages, alone.seconds)
    share = beside.rate / alone.rate
    yield Figure("webhooks.send_share", share, "ratio", beside.messages, beside.seconds)


def _unmoved(provider: ChannelProvider) -> int:
    """Messages whose events are there, but which they did not move."""
    return Message.objects.filter(provider=provider, status=MessageStatus.SENT).count()


def _first_number(lane: Lane) -> int:
    key = Message.objects.filter(lane=lane).order_by("id").values_list("key", flat=True)[0]
    return key.int


def _queue(sink: SmtpSink, events: int) -> None:
    lane = Lane.objects.create(provider=smtp_provider(sink.port), category=Category.PROMOTIONAL)
    seconds = ALONE_SECONDS + 10 + events / 1_000
    write_rows(lane, int(min(seconds * MOST_PER_SECOND, events + 100_000)), MessageStatus.NEW)


def _watched(sink: SmtpSink, work: Callable[[], object]) -> Pace:
    before, began = sink.count(), time.monotonic()
    work()
    return Pace(sink.count() - before, time.monotonic() - began)


def _until_applied(burst: Burst) -> None:
    burst.run()
    wait_until(lambda: not ReceivedEvent.objects.exists(), "The end", seconds=3600)


@contextlib.contextmanager
def _process(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([*TIED, sys.executable, *arguments], cwd=settings.BASE_DIR)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
