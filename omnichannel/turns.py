"""Turns at sending promotional messages, in a worker that has other things to do as well.

A Celery worker for several queues would have all its processes in one campaign, and what the other
queues hold would expire there. So it keeps one process free; with fewer than three, they take
short turns. The turns are locks on the bytes of one file: those of a killed process are free.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import threading
from collections.abc import Iterator

LONG_SECONDS = 50.0
SHORT_SECONDS = 2.0


class Turns:
    """Made before the pool's processes are forked, which share it."""

    def __init__(self, processes: int) -> None:
        self.seconds = LONG_SECONDS if processes > 2 else SHORT_SECONDS
        self.count = processes - 1 if processes > 2 else processes
        self._file, name = tempfile.mkstemp(prefix="turns-")
        os.unlink(name)
        self._mine: set[int] = set()
        self._guard = threading.Lock()

    @contextlib.contextmanager
    def one(self) -> Iterator[float]:
        """The seconds that the block may send for: 0 when all turns are taken."""
        number = self._take()
        try:
            yield 0.0 if number is None else self.seconds
        finally:
            if number is not None:
                self._give_back(number)

    def _take(self) -> int | None:
        with self._guard:  # threads of one process do not lock each other out of the file
            for number in range(self.count):
                if number not in self._mine and self._lock(number):
                    self._mine.add(number)
                    return number
        return None

    def _lock(self, number: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
        except OSError:
            return False
        return True

    def _give_back(self, number: int) -> None:
        with self._guard:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, number)
            self._mine.discard(number)


_shared: list[Turns] = []


def share(processes: int) -> None:
    """From now on this process, and those it forks, take turns."""
    _shared[:] = [Turns(processes)]


@contextlib.contextmanager
def turn() -> Iterator[float]:
    """The seconds that the block may send for."""
    if not _shared:
        yield LONG_SECONDS
        return
    with _shared[0].one() as seconds:
        yield seconds
