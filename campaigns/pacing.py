"""Leaves room for other writers on SQLite, where a bulk writer would starve them."""

from __future__ import annotations

import time
from types import TracebackType

from django.db import connection


class Breather:
    """Put it around each transaction of a bulk write.

    SQLite has one writer at a time, and one that waits sleeps up to 100 ms between its tries:
    so this lets as much time pass before a transaction as the last one held the lock. Work done
    between the two counts. Other databases are not slowed down.
    """

    def __init__(self) -> None:
        self._held = 0.0
        self._began = 0.0
        self._ended = time.monotonic()

    def __enter__(self) -> None:
        if connection.vendor == "sqlite":
            time.sleep(max(0.0, self._ended + self._held - time.monotonic()))
        self._began = time.monotonic()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended = time.monotonic()
        self._held = self._ended - self._began
