"""One Celery worker with one process for all queues, on Redis and on RabbitMQ."""

from __future__ import annotations

import time

import pytest

from omnichannel.benchmarks.smtp_sink import SmtpSink
from tests.config.test_celery import QUEUES, celery, celery_url, studio

__all__ = ["celery_url", "studio"]  # fixtures

SETUP = """
from config.first_start import prepare
from tests.factories import make_lane, make_message, make_provider
prepare()
options = {{"host": "127.0.0.1", "port": {port}, "security": "none"}}
provider = make_provider(backend="smtp", app_config=options)
lane = make_lane(provider, category="promotional")
for number in range(300):
    make_message(provider=provider, lane=lane, category="promotional")
"""
QUEUE_CODE = """
from omnichannel.models import ChannelProvider
from tests.factories import make_message
make_message(provider=ChannelProvider.objects.get(), category="otp", to_address="code@example.com")
"""


@pytest.fixture
def slow_sink():
    """Takes seven messages a second over one connection: the campaign lasts for 45 seconds."""
    with SmtpSink(delay=0.15) as sink:
        yield sink


def test_a_code_leaves_before_the_campaign_in_front_of_it(studio, celery_url, slow_sink):
    studio.run(SETUP.format(port=slow_sink.port))
    celery(studio, celery_url, "worker", "-Q", QUEUES, "-c", "1")
    celery(studio, celery_url, "beat", "-s", str(studio.var_dir / "beat"), "--pidfile=")
    wait_for(lambda: slow_sink.count() > 5)

    studio.run(QUEUE_CODE)
    wait_for(lambda: "code@example.com" in slow_sink.recipients())

    assert slow_sink.count() < 300


def wait_for(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
