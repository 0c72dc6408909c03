"""How fast a campaign is sent over SMTP, beside a bare loop that sends ready-made messages."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from campaigns import expansion, runner
from campaigns.benchmarks.rows import make_audience
from campaigns.models import Campaign
from omnichannel.backends import mime
from omnichannel.benchmarks.base import BenchOptions, Figure
from omnichannel.benchmarks.smtp_sink import SmtpSink
from omnichannel.claimed import Loader
from omnichannel.models import ChannelProvider, Job, MessageTemplate
from omnichannel.outgoing import config_of, outgoing
from omnichannel.publishing import publish

NAME = "send"
N = 100_000
BARE = 20_000
PROCESSES = 2

# Both programs wait for a line before they begin, and print [count, begin, end, CPU s, peak MB].
SEND = """
import django; django.setup()
import json, os, time
from django.db import connection
from omnichannel.benchmarks.base import peak_mb
from omnichannel.delivery import drain
connection.ensure_connection()
print("ready", flush=True); input()
began, cpu = time.monotonic(), time.process_time()
count = drain(("promotional",), seconds=3600)
print(json.dumps([count, began, time.monotonic(), time.process_time() - cpu, peak_mb()]))
"""
LOOP = """
import json, smtplib, sys, time
port, count = map(int, sys.argv[1:3])
body = open(sys.argv[3], "rb").read()
client = smtplib.SMTP("127.0.0.1", port)
print("ready", flush=True); input()
began, cpu = time.monotonic(), time.process_time()
for number in range(count):
    client.sendmail("a@example.com", [f"bare{number}@example.com"], body)
print(json.dumps([count, began, time.monotonic(), time.process_time() - cpu, 0]))
"""
PERSONAL = """<p style="color:#333">Dear {{ first_name }} {{ last_name }} of {{ city }}, your plan
is {{ plan }} and you have {{ points }} points. Write to {{ email }} or see
<a href="https://shop.example.com/{{ plan }}">our shop</a>. {{ global.company_name }}</p>"""
CONSTANT = "<p>Everything in the shop is made to last, and repaired when it does not. " * 133


@dataclass(frozen=True)
class Pace:
    """What processes side by side did: messages, seconds from the first start to the last end,
    CPU seconds and peak memory of all together.
    """

    count: int
    seconds: float
    cpu: float
    memory: float

    @property
    def rate(self) -> float:
        return self.count / self.seconds


def run(options: BenchOptions) -> Iterator[Figure]:
    """Messages per second through the whole engine, and the ratio to a bare loop that sends
    ready-made messages, with as many processes and connections, before and after.
    """
    with SmtpSink() as sink:
        job = _prepare(options.n, sink.port)
        empty = _disk_mb()
        expansion.expand(job, at=timezone.now(), until=time.monotonic() + 600)
        ready = _ready_made(job)
        bare = [_bare(sink.port, options.n, ready)]
        before = sink.count()
        sent = together(PROCESSES, SEND)
        arrived = sink.count() - before
        bare.append(_bare(sink.port, options.n, ready))
    recorded = job.messages.filter(status="sent").count()
    if not recorded == arrived == sent.count == options.n:
        raise RuntimeError(f"{sent.count} handled, {recorded} recorded, {arrived} arrived.")
    loop = statistics.mean(pace.rate for pace in bare)
    n, seconds, memory = sent.count, sent.seconds, sent.memory
    yield Figure("send.messages_per_s", sent.rate, "messages/s", n, seconds, memory)
    yield Figure("send.peak_mb", memory, "MB", n)
    yield Figure("send.cpu_us_per_message", sent.cpu / n * 1e6, "us", n)
    disk = (_disk_mb() - empty) / n * 1_000_000
    yield Figure("send.disk_mb_per_million", disk, "MB", n)
    yield Figure("send.bare_smtplib_per_s", loop, "messages/s", sum(pace.count for pace in bare))
    yield Figure("send.ratio_to_bare_smtplib", sent.rate / loop, "x bare loop", n)


def _bare(port: int, n: int, ready: Path) -> Pace:
    return together(PROCESSES, LOOP, str(port), str(min(BARE, n) // PROCESSES), str(ready))


def _ready_made(job: Job) -> Path:
    """A file with one of the messages as the engine itself would send it."""
    [message] = Loader(job.provider).load(list(job.messages.values_list("pk", flat=True)[:1]))
    config = config_of(job.provider)
    path = Path(settings.VAR_DIR) / "ready-made.eml"
    path.write_bytes(mime.build(outgoing(message, config), config, timezone.now()))
    return path


def together(processes: int, code: str, *arguments: str) -> Pace:
    """Run the same program in several processes at once."""
    command = [sys.executable, "-c", code, *arguments]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with ExitStack() as stack:
        running = [
            stack.enter_context(subprocess.Popen(command, text=True, **pipes))
            for _ in range(processes)
        ]
        for process in running:
            if process.stdout is None or process.stdout.readline() != "ready\n":
                raise RuntimeError("A process of the benchmark did not start.")
        for process in running:
            _begin(process)
        told = [process.communicate()[0] for process in running]
    counts, begun, ended, cpu, memory = zip(*map(json.loads, told), strict=True)
    return Pace(sum(counts), max(ended) - min(begun), sum(cpu), sum(memory))


def _begin(process: subprocess.Popen[str]) -> None:
    if process.stdin is not None:
        process.stdin.write("go\n")
        process.stdin.flush()


def _prepare(count: int, port: int) -> Job:
    provider = ChannelProvider.objects.create(
        name="Bench",
        backend="smtp",
        from_address="bench@example.com",
        app_config={"host": "127.0.0.1", "port": port, "security": "none"},
        bulk_no=500,
    )
    template = MessageTemplate.objects.create(
        name="Bench",
        sample_variables={
            "first_name": "Ana",
            "last_name": "Moreau",
            "city": "Lisbon",
            "plan": "gold",
            "points": 1,
            "email": "ana@example.com",
        },
    )
    html = f"<html><body>{PERSONAL}{CONSTANT}</body></html>"
    publish(template, subject="Hello {{ first_name }}", html=html)
    campaign = Campaign.objects.create(
        name="Bench",
        identifier="bench",
        template=template,
        audience=make_audience(count),
        provider=provider,
    )
    return runner.start(campaign, by=None, at=timezone.now())


def _disk_mb() -> float:
    """What the database takes on the disk."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_database_size(current_database())")
        else:
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        return float(cursor.fetchone()[0]) / 1_000_000
