"""A small writer in a process of its own: how long it waits while a bulk write goes on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from types import TracebackType

from omnichannel.benchmarks.base import Figure

# Every 50 ms, as pages and senders do; it ends when its input does and prints what it waited.
SCRIPT = """
import os, select, sys, time
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
import django
django.setup()
from django.db import transaction
from django.utils import timezone
from omnichannel.models import RateClock
clocks = RateClock.objects.filter(scope="bench")
clocks.get_or_create(scope="bench", defaults={"free_at": timezone.now()})
print("ready", flush=True)
waits = []
while not select.select([sys.stdin], [], [], 0.05)[0]:
    began = time.monotonic()
    with transaction.atomic():
        clocks.update(free_at=timezone.now())
    waits.append(time.monotonic() - began)
waits.sort()
print(len(waits), waits[len(waits) // 2], waits[len(waits) * 99 // 100], waits[-1])
"""


class OtherWriter:
    """Writes from entering to leaving; then `figures` tells what it waited."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._said: list[float] = []

    def __enter__(self) -> OtherWriter:
        command = [sys.executable, "-c", SCRIPT]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        if self._process.stdout is None or not self._process.stdout.readline():
            raise RuntimeError("The other writer did not start.")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        said, _ = self._process.communicate("end")
        self._said = [float(word) for word in said.split()]

    def figures(self) -> Iterator[Figure]:
        count, *waits = self._said
        for word, seconds in zip(("p50", "p99", "max"), waits, strict=True):
            yield Figure(f"{self._name}.other_writer_ms_{word}", seconds * 1000, "ms", int(count))
