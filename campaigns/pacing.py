"""Leaves room for other writers on SQLite, where a bulk writer would starve them."""

from __future__ import annotations

import time
from types import TracebackType

from django.db import connection

# SQLite has one writer at a time. One that finds it busy sleeps between its tries (milliseconds,
# the last again and again), so a pause shorter than such a sleep may pass unseen, time after time.
SLEEPS = (1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100)
WAKING = 0.002  # seconds from the end of a sleep to the next try
LOOK = 0.005  # seconds between looks whether others are still writing
HOLD = 0.1  # seconds: with the 25 ms that must follow, the cheapest for all
LONGEST_PAUSE = 0.25
SMALLEST, LARGEST = 2_000, 20_000  # rows


class Breather:
    """Put it around each transaction of a bulk write. `held` is how long the last one took.

    Between two transactions it lets every writer who waits get its turn: as long as that one
    may sleep, and as long as others go on writing, up to the time that the lock was held. Work
    done between the two counts. Other databases are not slowed down.
    """

    def __init__(self) -> None:
        self.held = 0.0
        self._began = 0.0
        self._ended = time.monotonic()
        self._version = _version()

    def __enter__(self) -> None:
        if connection.vendor == "sqlite":
            self._rest(longest_sleep(self.held) + WAKING)
            while self._others_write() and self._rested() < min(self.held, LONGEST_PAUSE):
                time.sleep(LOOK)
        self._began = time.monotonic()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended = time.monotonic()
        self.held = self._ended - self._began
        if error is None:
            self._version = _version()

    def _rest(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds - self._rested()))

    def _rested(self) -> float:
        return time.monotonic() - self._ended

    def _others_write(self) -> bool:
        """Has another connection written since the last look?"""
        before, self._version = self._version, _version()
        return self._version != before


def longest_sleep(held: float) -> float:
    """Seconds that a writer sleeps at most who began to wait up to `held` seconds ago."""
    waited = 0
    for milliseconds in SLEEPS:
        waited += milliseconds
        if waited > held * 1000:
            break
    return milliseconds / 1000


def fitting(size: int, held: float) -> int:
    """The number of rows that takes HOLD seconds, when `size` rows took `held`."""
    wanted = size * HOLD / max(held, 0.001)
    return int(min(max(wanted, SMALLEST, size / 2), LARGEST, size * 2))


def _version() -> int:
    """A number that changes when another connection has written."""
    if connection.vendor != "sqlite":
        return 0
    with connection.cursor() as cursor:
        return int(cursor.execute("PRAGMA data_version").fetchone()[0])
