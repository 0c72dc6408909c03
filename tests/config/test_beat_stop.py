"""A stop of beat waits for the tick in hand: what that reads from the broker is read to its end."""

from __future__ import annotations

import os
import signal

import pytest
from celery.beat import Service

from config.celery import app
from config.heartbeats import _end_between_ticks


class Ticking:
    """A scheduler that is told to stop in the middle of its first tick."""

    max_interval = 5

    def __init__(self, stops: int) -> None:
        self.stops = stops
        self.done = []

    def tick(self) -> float:
        for _ in range(self.stops):
            os.kill(os.getpid(), signal.SIGTERM)
        self.done.append("tick")
        return 0.0

    def should_sync(self) -> bool:
        return False

    def close(self) -> None:
        self.done.append("close")


@pytest.fixture(autouse=True)
def handlers():
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("stops", "done"), [(1, ["tick", "close"]), (2, ["close"])], ids=["one stop", "two stops"]
)
def test_a_stop_lets_the_tick_end_and_a_second_one_does_not(stops, done, monkeypatch):
    monkeypatch.setattr("celery.beat.signals.beat_init.send", lambda **_: None)
    service = Service(app)
    service.scheduler = Ticking(stops)
    _end_between_ticks(service)

    service.start()

    assert service.scheduler.done == done
