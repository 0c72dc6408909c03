"""Bursts of vendors' calls at a real web server, whose workers are killed while messages go out."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from omnichannel.benchmarks import event_burst
from omnichannel.benchmarks.event_burst import Burst, public_key
from omnichannel.benchmarks.product import wait_until
from tests.live import ROOT, LiveStudio

EVENTS = 2_000
SETTLED = 60
PREPARE = """
from omnichannel import endpoints
from omnichannel.benchmarks.many_rows import write_rows
from omnichannel.models import ChannelProvider, Lane, Message
provider = ChannelProvider.objects.create(
    name="Events", backend="sendgrid", app_key="-", app_config={{"webhook_key": "{key}"}}
)
endpoints.switch(provider, on=True)
lane = Lane.objects.create(provider=provider, category="promotional")
write_rows(lane, {messages}, "sent")
print(endpoints.path_of(endpoints.endpoint_of(provider)), Message.objects.earliest("id").key.int)
"""
# Messages go out and what was told is applied, until both are done.
WORK = """
import json, time
from django.utils import timezone
from omnichannel import delivery, receipts
from omnichannel.choices import MessageStatus
from omnichannel.models import Message, MessageEvent, ReceivedEvent
from tests.factories import make_provider
from tests.faults.rows import queue
queue(make_provider(backend="sandbox"), 300, timezone.now())
print("ready", flush=True)
told = MessageEvent.objects.filter(event_id__startswith="bench")
pending = Message.objects.filter(status__in=MessageStatus.pending())
until = time.monotonic() + 60
while time.monotonic() < until and (told.count() < {events} or pending.exists()):
    delivery.send_due(("transactional",), until=time.monotonic() + 0.2, stopped=lambda: False)
    receipts.apply_due(timezone.now(), time.monotonic() + 5, lambda: False)
print(json.dumps({{
    "told": told.count(),
    "distinct": told.values("event_id").distinct().count(),
    "waiting": ReceivedEvent.objects.count(),
    "pending": pending.count(),
    "not moved": Message.objects.filter(provider__name="Events", status="sent").count(),
}}))
"""


@pytest.fixture
def studio(tmp_path):
    with LiveStudio(tmp_path) as studio:
        yield studio


@pytest.fixture
def burst(studio, monkeypatch):
    """Calls of twenty events each, at a port where nobody listens yet."""
    monkeypatch.setattr(event_burst, "SIZES", (20,))
    told = studio.run(PREPARE.format(key=public_key(), messages=EVENTS // 2))
    path, first = told.split()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return Burst(port, path, EVENTS, int(first))


@contextlib.contextmanager
def gunicorn(studio, port):
    """The web server, its master's process."""
    command = (sys.executable, "-m", "gunicorn", "config.wsgi", "--worker-class", "gthread")
    more = ("--workers", "2", "--threads", "4", "--bind", f"127.0.0.1:{port}")
    with subprocess.Popen([*command, *more], env=studio.env(), cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def workers_of(process) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True
    )
    return [int(pid) for pid in listed.stdout.split()]


@pytest.mark.slow
@pytest.mark.fault(33)
def test_workers_that_are_killed_in_a_burst_lose_no_report_and_double_none(studio, burst):
    with gunicorn(studio, burst.port) as server:
        wait_until(burst.is_answered, "The start of the server", SETTLED)
        told = threading.Thread(target=burst.run)
        told.start()
        for number in range(1, 4):
            wait_until(lambda goal=number * 20: len(burst.answers) >= goal, "Answers", SETTLED)
            os.kill(workers_of(server)[0], signal.SIGKILL)
        told.join(SETTLED)

    received = studio.look_up("SELECT count(*) FROM omnichannel_receivedevent")
    assert not told.is_alive()
    assert burst.refused > 0
    assert received == [(EVENTS,)]


@pytest.mark.fault(32)
def test_a_burst_is_stored_and_applied_while_messages_go_out(studio, burst):
    worker = studio.start(WORK.format(events=EVENTS))
    with gunicorn(studio, burst.port):
        wait_until(burst.is_answered, "The start of the server", SETTLED)
        worker.stdout.readline()
        burst.run()
        found = json.loads(worker.communicate(timeout=90)[0])

    assert found == {
        "told": EVENTS,
        "distinct": EVENTS,
        "waiting": 0,
        "pending": 0,
        "not moved": 0,
    }
