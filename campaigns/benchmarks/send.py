"""How fast a campaign is sent over SMTP, beside a bare loop that sends ready-made messages."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from django.utils import timezone

from campaigns import expansion, runner
from campaigns.benchmarks.rows import make_audience
from campaigns.models import Campaign
from omnichannel.benchmarks.base import BenchOptions, Figure
from omnichannel.benchmarks.smtp_sink import SmtpSink
from omnichannel.models import ChannelProvider, Job, MessageTemplate
from omnichannel.publishing import publish

NAME = "send"
N = 100_000
BARE = 20_000

SEND = """
import django; django.setup()
import json, time
from omnichannel.benchmarks.base import peak_mb
from omnichannel.delivery import drain
began = time.monotonic()
count = drain(("promotional",), seconds=3600)
print(json.dumps([count, time.monotonic() - began, peak_mb()]))
"""
LOOP = """
import json, smtplib, sys, time
port, count, size = map(int, sys.argv[1:])
head = b"From: a@example.com\\r\\nTo: b@example.com\\r\\nSubject: Hi\\r\\n\\r\\n"
body = head + (b"x" * 70 + b"\\r\\n") * (size // 72)
client = smtplib.SMTP("127.0.0.1", port)
began = time.monotonic()
for number in range(count):
    client.sendmail("a@example.com", [f"bare{number}@example.com"], body)
print(json.dumps([count, time.monotonic() - began, 0]))
"""
PERSONAL = """<p style="color:#333">Dear {{ first_name }} {{ last_name }} of {{ city }}, your plan
is {{ plan }} and you have {{ points }} points. Write to {{ email }} or see
<a href="https://shop.example.com/{{ plan }}">our shop</a>. {{ global.company_name }}</p>"""
CONSTANT = "<p>Everything in the shop is made to last, and repaired when it does not. " * 118


def run(options: BenchOptions) -> Iterator[Figure]:
    """Messages per second through the whole engine, and the ratio to the bare loop."""
    with SmtpSink() as sink:
        job = _prepare(options.n, sink.port)
        bare = [_rate(LOOP, str(sink.port), str(min(BARE, options.n)), str(12_000))]
        before = sink.count()
        count, seconds, memory = _child(SEND)
        arrived = sink.count() - before
        bare.append(_rate(LOOP, str(sink.port), str(min(BARE, options.n)), str(12_000)))
    sent = job.messages.filter(status="sent").count()
    if not sent == arrived == count == options.n:
        raise RuntimeError(f"{options.n} queued, {count} handled, {sent} sent, {arrived} arrived.")
    rate, loop = count / seconds, statistics.median(bare)
    yield Figure("send.messages_per_s", rate, "messages/s", count, seconds, memory)
    yield Figure("send.peak_mb", memory, "MB", count)
    yield Figure("send.bare_smtplib_per_s", loop, "messages/s", 2 * min(BARE, options.n))
    yield Figure("send.ratio_to_bare_smtplib", rate / loop, "x bare loop", count)


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
    job = runner.start(campaign, by=None, at=timezone.now())
    expansion.expand(job, at=timezone.now(), until=time.monotonic() + 600)
    return job


def _rate(code: str, *arguments: str) -> float:
    count, seconds, _ = _child(code, *arguments)
    return count / seconds


def _child(code: str, *arguments: str) -> tuple[int, float, float]:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    count, seconds, memory = json.loads(done.stdout.splitlines()[-1])
    return count, seconds, memory
