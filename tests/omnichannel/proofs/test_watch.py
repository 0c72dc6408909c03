from __future__ import annotations

import pytest

from omnichannel.proofs import watch
from omnichannel.proofs.watch import watch_it_stop


class Clock:
    """Time that passes only in sleep, while a line is written at each of the moments."""

    def __init__(self, path, moments: list[float]):
        self.path = path
        self.moments = moments
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        while self.moments and self.moments[0] <= self.now:
            self.moments.pop(0)
            with self.path.open("a") as file:
                file.write("ann@example.com <1@example.com>\n")


@pytest.fixture
def writing_at(tmp_path, monkeypatch):
    path = tmp_path / "ledger"
    path.write_text("before\n")

    def write_at(*moments: float):
        monkeypatch.setattr(watch, "time", Clock(path, list(moments)))
        return path

    return write_at


def test_lines_that_still_come_are_counted_and_timed(writing_at):
    path = writing_at(0.1, 0.2, 0.3)

    growth = watch_it_stop(path, at_least=0.5, at_most=10)

    assert growth.lines == 3
    assert growth.seconds == pytest.approx(0.3, abs=2 * watch.EVERY)
    assert growth.is_over


def test_ledger_that_goes_on_growing_is_given_up(writing_at):
    path = writing_at(0.2, 0.4, 0.6, 0.8, 1.0, 1.2)

    growth = watch_it_stop(path, at_least=0.1, at_most=0.6)

    assert not growth.is_over
    assert growth.seconds >= 0.6
