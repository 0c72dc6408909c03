from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from celery import Celery

from config import broker, celery

ROOT = Path(__file__).resolve().parent.parent.parent
IS_CONFIRMED = """
from config.celery import app
with app.connection_for_write() as connection:
    print(connection.default_channel.connection.confirm_publish)
"""


def test_a_broker_that_is_down_holds_up_nobody(settings, monkeypatch):
    settings.IS_EMBEDDED = False
    asked = threading.Event()

    def slow(task: str) -> None:
        asked.set()
        time.sleep(3)

    monkeypatch.setattr(celery, "publish", slow)
    monkeypatch.setattr(celery, "ringer", celery.Ringer())
    started = time.monotonic()

    for _ in range(200):
        celery.ring("omnichannel.tasks.send_otp")

    assert time.monotonic() - started < 2.5
    assert asked.wait(1)


def test_without_a_broker_nothing_is_published(settings, monkeypatch):
    settings.IS_EMBEDDED = True
    published: list[str] = []
    monkeypatch.setattr(celery, "publish", published.append)
    monkeypatch.setattr(celery, "ringer", celery.Ringer())

    celery.ring("omnichannel.tasks.send_otp")

    time.sleep(0.05)
    assert published == []


def test_rabbitmq_confirms_what_is_published():
    url = os.environ.get("TEST_AMQP_URL", "")
    if not url:
        pytest.skip("TEST_AMQP_URL is not set")

    done = subprocess.run(
        [sys.executable, "-c", IS_CONFIRMED],
        env={**os.environ, "CELERY_BROKER_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout.strip() == "True"


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_takes_the_call_and_says_nothing_is_given_up(scheme, monkeypatch, caplog):
    monkeypatch.setattr(broker, "ANSWER_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"{scheme}://127.0.0.1:{mute.getsockname()[1]}//"
        monkeypatch.setattr(celery, "app", _app(url))
        publisher = threading.Thread(
            target=celery.publish, args=["omnichannel.tasks.send_otp"], daemon=True
        )

        publisher.start()
        publisher.join(30)

    assert not publisher.is_alive()
    assert "send_otp waits for its tick" in caplog.text


def _app(url: str) -> Celery:
    app = Celery("test", broker=url, set_as_current=False)
    app.conf.broker_transport_options = broker.transport_options(url)
    app.conf.broker_connection_timeout = 1
    return app


def test_only_what_a_broker_understands_is_asked_of_it():
    assert broker.transport_options("memory://") == {}
    assert broker.transport_options("amqps://host//")["confirm_publish"]
    assert "confirm_publish" not in broker.transport_options("rediss://host/0")
