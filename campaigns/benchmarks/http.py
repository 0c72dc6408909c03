"""How fast a campaign is sent over HTTP, beside a bare loop that posts ready-made messages.

The engine claims, renders, sends in batches and records; the loop posts one prebuilt message a
call with the standard library, over as many kept connections, from one process like the engine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from campaigns import expansion, runner
from campaigns.benchmarks.rows import make_audience
from campaigns.benchmarks.send import CONSTANT, PERSONAL
from campaigns.models import Audience, Campaign
from omnichannel.benchmarks.base import BenchOptions, Figure
from omnichannel.benchmarks.http_sink import HttpSink
from omnichannel.models import ChannelProvider, Job, MessageTemplate
from omnichannel.publishing import publish

NAME = "http"
N = 50_000
BARE = 10_000
CONNECTIONS = 8
SLOW, SLOW_CONNECTIONS, SLOW_SECONDS = 10_000, 50, 0.02

SEND = """
import django; django.setup()
import json, sys, time
from omnichannel.benchmarks.base import peak_mb
from omnichannel.delivery import send_provider
began, cpu = time.monotonic(), time.process_time()
count = send_provider(int(sys.argv[1]), ("promotional",), until=began + 3600)
print(json.dumps([count, time.monotonic() - began, peak_mb(), time.process_time() - cpu]))
"""
LOOP = """
import http.client, json, sys, time
port, count, size, connections = map(int, sys.argv[1:])
html = "<p>Everything in the shop is made to last, and repaired when it is not.</p>" * (size // 75)
def body(number):
    return json.dumps({
        "personalizations": [{"to": [{"email": f"bare{number}@example.com"}]}],
        "from": {"email": "a@example.com"}, "subject": "Hi",
        "content": [{"type": "text/html", "value": html}],
    }).encode()
bodies = [body(number) for number in range(connections)]
headers = {"Authorization": "Bearer secret", "Content-Type": "application/json"}
lines = [http.client.HTTPConnection("127.0.0.1", port) for _ in range(connections)]
for line in lines:
    line.connect()
began, cpu = time.monotonic(), time.process_time()
for _ in range(count // connections):
    for line, data in zip(lines, bodies):
        line.request("POST", "/v3/mail/send", data, headers)
    for line in lines:
        line.getresponse().read()
print(json.dumps([count, time.monotonic() - began, 0, time.process_time() - cpu]))
"""


def run(options: BenchOptions) -> Iterator[Figure]:
    """Messages per second through the whole engine, and the ratio to the bare loop."""
    loops = min(BARE, options.n)
    with HttpSink() as sink:
        provider = _provider("Fast", sink, CONNECTIONS)
        job = _prepare("Fast", options.n, provider)
        first = _child(LOOP, sink.port, loops, 12_000, CONNECTIONS)
        before = sink.count()
        count, seconds, memory, cpu = _child(SEND, provider.pk)
        arrived = sink.count() - before
        second = _child(LOOP, sink.port, loops, 12_000, CONNECTIONS)
    _compare(job, options.n, count, arrived)
    rate, loop = count / seconds, 2 * loops / (first[1] + second[1])
    yield Figure("send.http_messages_per_s", rate, "messages/s", count, seconds, memory)
    yield Figure("send.http_cpu_us_per_message", cpu / count * 1e6, "us", count)
    yield Figure("send.http_bare_per_s", loop, "messages/s", 2 * loops)
    bare_cpu = (first[3] + second[3]) / (2 * loops) * 1e6
    yield Figure("send.http_bare_cpu_us_per_message", bare_cpu, "us", 2 * loops)
    yield Figure("send.http_ratio_to_bare", rate / loop, "x bare loop", count)
    yield from _slow(min(SLOW, options.n))


def _slow(people: int) -> Iterator[Figure]:
    """A server that takes its time, and one message a call: all is about connections."""
    with HttpSink(delay=SLOW_SECONDS) as sink:
        provider = _provider("Slow", sink, SLOW_CONNECTIONS, messages_per_call=1)
        job = _prepare("Slow", people, provider)
        count, seconds, _, _ = _child(SEND, provider.pk)
        arrived = sink.count()
    _compare(job, people, count, arrived)
    most = SLOW_CONNECTIONS / SLOW_SECONDS
    name = "send.http_slow_server_ratio"
    yield Figure(name, count / seconds / most, "x connections / 20 ms", count, seconds)


def _compare(job: Job, wanted: int, handled: int, arrived: int) -> None:
    sent = job.messages.filter(status="sent").count()
    if not sent == arrived == handled == wanted:
        raise RuntimeError(f"{wanted} queued, {handled} handled, {sent} sent, {arrived} arrived.")


def _provider(name: str, sink: HttpSink, connections: int, **options: Any) -> ChannelProvider:
    provider: ChannelProvider = ChannelProvider.objects.create(
        name=name,
        backend="sendgrid",
        from_address="bench@example.com",
        service_url=sink.url,
        app_key="secret",
        app_config={"connections": connections, **options},
        bulk_no=2000,
    )
    return provider


def _prepare(name: str, people: int, provider: ChannelProvider) -> Job:
    audience = make_audience(people)
    Audience.objects.filter(pk=audience.pk).update(name=name)  # the next one is called so, too
    sample = {name: "Ana" for name in ("first_name", "last_name", "city", "plan", "email")}
    template = MessageTemplate.objects.create(name=name, sample_variables={**sample, "points": 1})
    html = f"<html><body>{PERSONAL}{CONSTANT}</body></html>"
    publish(template, subject="Hello {{ first_name }}", html=html)
    campaign = Campaign.objects.create(
        name=name, identifier=name, template=template, audience=audience, provider=provider
    )
    job = runner.start(campaign, by=None, at=timezone.now())
    expansion.expand(job, at=timezone.now(), until=time.monotonic() + 600)
    return job


def _child(code: str, *arguments: int) -> tuple[int, float, float, float]:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    count, seconds, memory, cpu = json.loads(done.stdout.splitlines()[-1])
    return count, seconds, memory, cpu
