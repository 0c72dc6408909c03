"""The same schedule with a broker: real beat, real workers, one queue each."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.live import LiveStudio

ROOT = Path(__file__).resolve().parent.parent.parent
QUEUES = "otp,transactional,promotional,default"
IN_ORDER = "default,otp,promotional,transactional"
SETUP = """
from config.first_start import prepare
from django_celery_beat.models import PeriodicTask
from tests.factories import make_message, make_provider
prepare()
provider = make_provider()
for n in range({count}):
    make_message(provider=provider)
"""
# What became of the messages and who lives, as soon as all is sent by four processes.
WAIT = """
import json, time
from omnichannel.models import Heartbeat, Message
for _ in range(400):
    attempts = list(Message.objects.filter(status="sent").values_list("attempts", flat=True))
    living = sorted(Heartbeat.objects.values_list("role", "queues"))
    if len(attempts) == 40 and len(living) == 4:
        break
    time.sleep(0.2)
print(json.dumps([attempts, living]))
"""
LIVING = """
from omnichannel.models import Heartbeat
print(Heartbeat.objects.count())
"""


@pytest.fixture(params=["redis", "amqp"])
def celery_url(request, broker_url):
    """Redis by TEST_BROKER_URL, RabbitMQ by TEST_AMQP_URL; a queue namespace of this test's own."""
    if request.param == "redis":
        return broker_url
    url = os.environ.get("TEST_AMQP_URL", "")
    if not url:
        pytest.skip("TEST_AMQP_URL is not set")
    return url


@pytest.fixture
def studio(tmp_path, postgres_url):
    with LiveStudio(tmp_path, postgres_url) as studio:
        yield studio


def celery(studio: LiveStudio, url: str, *arguments: str) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "config", *arguments],
        env=studio.env(CELERY_BROKER_URL=url),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=(studio.var_dir / f"{arguments[0]}.log").open("w"),
    )
    studio.running.append(process)
    return process


def test_two_beats_and_two_workers_send_all_once_and_tell_that_they_live(studio, celery_url):
    studio.run(SETUP.format(count=40))
    for name in ("first", "second"):
        files = ("-s", str(studio.var_dir / name), "--pidfile=")
        celery(studio, celery_url, "beat", *files)
        celery(studio, celery_url, "worker", "-Q", QUEUES, "-c", "2", "-n", f"{name}@%h")

    attempts, told = json.loads(studio.run(WAIT))
    started = time.monotonic()
    for process in studio.running:
        process.send_signal(signal.SIGTERM)
    ended = [process.wait(timeout=30) for process in studio.running]

    assert attempts == [1] * 40, (studio.var_dir / "worker.log").read_text()[-3000:]
    assert told == [["scheduler", ""]] * 2 + [["worker", IN_ORDER]] * 2
    assert ended == [0] * 4
    assert time.monotonic() - started < 20
    assert studio.run(LIVING) == "0"  # all said goodbye
