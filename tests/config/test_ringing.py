from __future__ import annotations

import threading
import time

from config import celery


def test_a_broker_that_is_down_holds_up_nobody(settings, monkeypatch):
    settings.IS_EMBEDDED = False
    asked = threading.Event()

    def slow(task: str) -> None:
        asked.set()
        time.sleep(1)

    monkeypatch.setattr(celery, "publish", slow)
    monkeypatch.setattr(celery, "ringer", celery.Ringer())
    started = time.monotonic()

    for _ in range(200):
        celery.ring("omnichannel.tasks.send_otp")

    assert time.monotonic() - started < 0.5
    assert asked.wait(1)


def test_without_a_broker_nothing_is_published(settings, monkeypatch):
    settings.IS_EMBEDDED = True
    published: list[str] = []
    monkeypatch.setattr(celery, "publish", published.append)
    monkeypatch.setattr(celery, "ringer", celery.Ringer())

    celery.ring("omnichannel.tasks.send_otp")

    time.sleep(0.05)
    assert published == []
