"""Tells the workers that there is something to do, as soon as it is committed.

Only ever a hint: a ring that is lost costs the second until the next tick.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

from django.db import transaction

logger = logging.getLogger(__name__)

SEND = "omnichannel.tasks.send_{}"
QUIET_SECONDS = 0.02  # rings of one task come no closer than this


class Late:
    """Rings a little later, in a thread that stays: a new one each time costs more than a call."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[tuple[float, str]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def ring(self, task: str, when: float) -> None:
        """`when` by time.monotonic(), soon: what comes behind it waits too."""
        self._waiting.put((when, task))
        if self._thread is None or not self._thread.is_alive():  # none yet, or lost in a fork
            self._thread = threading.Thread(target=self._work, name="doorbell", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            when, task = self._waiting.get()
            time.sleep(max(0.0, when - time.monotonic()))
            try:
                _tell(task)
            except Exception:
                logger.exception("Cannot ring for %s", task)


_late = Late()
_bells: list[Callable[[str], None]] = []
_rung: dict[str, float] = {}  # by task: when it last rang, or will ring (time.monotonic())


def connect(bell: Callable[[str], None]) -> None:
    """`bell(task name)` is what rings from now on in this process; it must not block."""
    _bells[:] = [bell]


def ring(task: str) -> None:
    """Have `task` run soon after this transaction is committed."""
    transaction.on_commit(lambda: _ring(task), robust=True)


def ring_for(category: str) -> None:
    """Messages of this category are ready to go."""
    ring(SEND.format(category))


def _ring(task: str) -> None:
    """Now, or as soon as the last ring is past: what that one woke may not see this change."""
    now = time.monotonic()
    last = _rung.get(task, 0.0)
    if last > now:
        return  # it is going to ring
    wait = last + QUIET_SECONDS - now
    _rung[task] = now + max(wait, 0.0)
    if wait <= 0:
        _tell(task)
        return
    _late.ring(task, _rung[task])


def _tell(task: str) -> None:
    for bell in _bells:
        bell(task)
