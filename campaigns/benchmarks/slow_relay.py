"""How much of a slow relay's capacity is used: real relays are about connections."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

from django.utils import timezone

from campaigns import expansion, runner
from campaigns.benchmarks.recipe import make_campaign
from omnichannel.benchmarks.base import BenchOptions, Figure
from omnichannel.benchmarks.smtp_sink import SmtpSink
from omnichannel.benchmarks.timing import smtp_provider
from omnichannel.models import Job

NAME = "slow_relay"
N = 40_000
DELAY = 0.020  # seconds that the relay takes for each message, on each connection
CONNECTIONS = 50
PROCESSES = 2  # as the product sends unless told otherwise, with half of the connections each
ONE = 150  # messages over one connection, to check the arithmetic
WRITE_SECONDS = 600

# The whole engine, in processes of its own: claim, render, send, record.
SEND = """
import django; django.setup()
import json, time
from omnichannel.benchmarks.base import peak_mb
from omnichannel.delivery import drain
wall, cpu = time.monotonic(), time.process_time()
count = drain(("promotional",), seconds=3600)
print(json.dumps([count, time.monotonic() - wall, time.process_time() - cpu, peak_mb()]))
"""


def run(options: BenchOptions) -> Iterator[Figure]:
    """Of 50 connections / 20 ms; first of one connection, which shows one wait per message."""
    with SmtpSink(delay=DELAY) as sink:
        _prepare(sink.port, 1, min(ONE, options.n))
        count, seconds, _, _ = _send(1)
        alone = count / seconds * DELAY
        yield Figure("send.slow_relay_ratio_one_connection", alone, "of 1 / 20 ms", count, seconds)
        job = _prepare(sink.port, CONNECTIONS // PROCESSES, options.n)
        count, seconds, cpu, memory = _send(PROCESSES)
    sent = job.messages.filter(status="sent").count()
    if sent != options.n:
        raise RuntimeError(f"{options.n} queued, {count} handled, {sent} sent.")
    rate = count / seconds
    ratio, share = rate * DELAY / CONNECTIONS, cpu / seconds
    # Of all processes together. Far below their number they wait for the relay, or for a core that
    # others use as well.
    yield Figure("send.slow_relay_cpu_share", share, "of one core", count, cpu)
    yield Figure("send.slow_relay_cpu_limit_per_s", count / cpu, "messages/cpu-s", count, cpu)
    yield Figure("send.slow_relay_per_s", rate, "messages/s", count, seconds, memory)
    yield Figure("send.slow_relay_ratio", ratio, "of 50 / 20 ms", count, seconds, memory)


def _prepare(port: int, connections: int, count: int) -> Job:
    provider = smtp_provider(port, name=f"Slow {connections}", connections=connections)
    job = runner.start(make_campaign(provider, count), by=None, at=timezone.now())
    while expansion.expand(job, at=timezone.now(), until=time.monotonic() + WRITE_SECONDS):
        job.refresh_from_db()
    return job


def _send(processes: int) -> tuple[int, float, float, float]:
    """(messages, seconds, CPU seconds, peak MB), the CPU and the memory of all added up."""
    command = [sys.executable, "-c", SEND]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(processes)]
    told = [json.loads(child.communicate()[0].splitlines()[-1]) for child in started]
    counts, seconds, cpu, memory = zip(*told, strict=True)
    return sum(counts), max(seconds), sum(cpu), sum(memory)
