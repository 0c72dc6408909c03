"""Watching a sink's ledger grow."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

EVERY = 0.005  # seconds
QUIET = 1.0  # seconds without a line, after which it has stopped growing


class Growth(NamedTuple):
    seconds: float  # until the last line came
    lines: int
    is_over: bool = True


def watch_it_stop(path: Path, *, at_least: float, at_most: float) -> Growth:
    """What still comes from now on, watched for `at_least` seconds and until it is quiet."""
    began = last = now = time.monotonic()
    first = size = path.stat().st_size
    while now - began < at_least or now - last < QUIET:
        if now - began > at_most:
            return Growth(now - began, _lines(path, first), is_over=False)
        time.sleep(EVERY)
        now = time.monotonic()
        if (found := path.stat().st_size) != size:
            size, last = found, now
    return Growth(last - began, _lines(path, first))


def _lines(path: Path, start: int) -> int:
    with path.open("rb") as file:
        file.seek(start)
        return file.read().count(b"\n")
