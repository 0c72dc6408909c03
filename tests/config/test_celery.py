"""The same schedule with a broker: real beat, real workers, one queue each."""

from __future__ import annotations

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
SETUP = """
from config.first_start import prepare
from django_celery_beat.models import PeriodicTask
from tests.factories import make_message, make_provider
prepare()
provider = make_provider()
for n in range({count}):
    make_message(provider=provider)
"""
SENT = """
from omnichannel.models import Message
print(Message.objects.filter(status="sent").count())
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


def test_beat_and_a_worker_send_what_waits(studio, celery_url):
    studio.run(SETUP.format(count=20))
    celery(studio, celery_url, "beat", "-s", str(studio.var_dir / "beat"), "--pidfile=")
    worker = celery(studio, celery_url, "worker", "-Q", QUEUES, "-c", "4")

    deadline = time.monotonic() + 40
    while studio.run(SENT) != "20":
        assert time.monotonic() < deadline, (studio.var_dir / "worker.log").read_text()[-3000:]
        time.sleep(0.3)

    started = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=20) == 0
    assert time.monotonic() - started < 10
