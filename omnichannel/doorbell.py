"""Tells the workers that there is something to do, as soon as it is committed.

Only ever a hint: a ring that is lost costs the second until the next tick.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.db import transaction

logger = logging.getLogger(__name__)

SEND = "omnichannel.tasks.send_{}"
QUIET_SECONDS = 0.02  # rings of one task closer than this are one ring

_bells: list[Callable[[str], None]] = []
_rung: dict[str, float] = {}


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
    now = time.monotonic()
    if now - _rung.get(task, 0.0) < QUIET_SECONDS:
        return
    _rung[task] = now
    for bell in _bells:
        bell(task)
