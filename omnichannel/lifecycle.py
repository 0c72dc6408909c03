"""One bit that says "this process should end": long loops look at it between two steps."""

from __future__ import annotations

import mmap

# Shared memory, so that the pool children a Celery worker forks see what the worker was told.
_stop = mmap.mmap(-1, 1)


def stop_requested() -> bool:
    return _stop[0] == 1


def request_stop() -> None:
    """Ask every loop of this process, and of those it forked, to end. Safe in a signal handler."""
    _stop[0] = 1


def forget_stop() -> None:
    """Run on: for a process that starts anew, and for tests."""
    _stop[0] = 0
