"""Crash points: places where a test kills the process to prove that nothing is lost.

OMNI_CRASH=point:n makes the n-th passing of `point` end the process as `kill -9` would.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

from django.conf import settings

# Where the engine may be killed, in the order of a message's way.
POINTS = ("looking", "claimed", "handed", "answered", "recording", "recorded", "expanding")
# And in the order of a partner's document's way, in and out.
DOCUMENT_POINTS = (
    *("file_claimed", "file_read", "file_moved", "file_written", "file_committed"),
    *("delivery_claimed", "delivery_made", "delivery_moved", "delivery_written"),
    "delivery_committed",
)

_passed: Counter[str] = Counter()


def point(name: str) -> None:
    if not settings.CRASH_POINT:
        return
    wanted, _, count = settings.CRASH_POINT.partition(":")
    _passed[name] += 1
    if name == wanted and _passed[name] >= int(count or 1):
        os.kill(os.getpid(), signal.SIGKILL)


def forget() -> None:
    """Count from the start again: for a process that was forked off, and for tests."""
    _passed.clear()
