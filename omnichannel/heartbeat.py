"""Signs of life: each worker and scheduler process writes a row of its own every few seconds.

The thread that writes proves that the process lives and reaches the database; what it tells of
the last minute (ticks begun, messages handled) proves that it also works.
"""

from __future__ import annotations

import datetime
import logging
import mmap
import os
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db import connection
from django.db.models.functions import Now

from omnichannel.choices import ProcessRole
from omnichannel.models import Heartbeat
from omnichannel.models.heartbeats import LOST_AFTER

logger = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
MINUTE = 60.0
TIDY_EVERY = 12  # beats
FORGOTTEN_AFTER = datetime.timedelta(days=1)


class Tally:
    """A number that the processes forked from this one add to as well.

    Each has a place of its own, by its process id, so that none has to wait for another.
    """

    PLACES = 512

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8 * self.PLACES)
        self._lock = threading.Lock()

    def add(self, number: int) -> None:
        place = 8 * (os.getpid() % self.PLACES)
        with self._lock:
            (before,) = struct.unpack_from("<Q", self._memory, place)
            struct.pack_into("<Q", self._memory, place, before + number)

    def total(self) -> int:
        return sum(struct.unpack(f"<{self.PLACES}Q", self._memory))


tasks = Tally()  # ticks begun by this process or, with a scheduler, sent off
messages = Tally()  # messages handled by this process and its children


class _Sample(NamedTuple):
    at: float
    tasks: int
    messages: int


class Heart:
    """Beats in a thread of its own from `start` to `stop`. A database that is away loses beats."""

    def __init__(self, role: ProcessRole, name: str, queues: tuple[str, ...] = ()) -> None:
        self._identity = {
            "role": role,
            "name": name[:120],
            "host": socket.gethostname()[:120],
            "pid": os.getpid(),
            "queues": ",".join(sorted(queues))[:200],
            "version": settings.VERSION,
        }
        self._row = 0
        self._beats = 0
        self._is_heard = True
        self._samples: deque[_Sample] = deque()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> Heart:
        self._thread.start()
        return self

    def stop(self, *, seconds: float = 0.5) -> None:
        """Take the row away: this process ends as it should. Waits `seconds` at most."""
        self._stopping.set()
        with suppress(RuntimeError):  # it was never started
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._try(self.beat)
            self._stopping.wait(BEAT_SECONDS)
        self._try(self.forget)

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
            self._is_heard = True
        except DatabaseTrouble as error:
            if self._is_heard:
                logger.warning("The database did not take the heartbeat: %s", error)
            self._is_heard = False
        finally:
            # Kept by nobody: a fork must not inherit it, and one beat needs it for a moment only.
            connection.close()

    def beat(self) -> None:
        """Write the row, and now and then remove those of processes that are long gone."""
        lately = self._lately()
        row = Heartbeat.objects.filter(pk=self._row)
        if not row.update(seen_at=Now(), **lately):
            fields = {**self._identity, **lately, "started_at": Now(), "seen_at": Now()}
            self._row = Heartbeat.objects.create(**fields).pk
        if self._beats % TIDY_EVERY == 0:
            self._tidy()
        self._beats += 1

    def forget(self) -> None:
        Heartbeat.objects.filter(pk=self._row).delete()

    def _tidy(self) -> None:
        Heartbeat.objects.silent_for(FORGOTTEN_AFTER).delete()
        # The one this process took the place of, which did not come to say goodbye.
        same = {key: self._identity[key] for key in ("role", "name", "host")}
        replaced = Heartbeat.objects.filter(**same).exclude(pk=self._row)
        replaced.silent_for(LOST_AFTER).delete()

    def _lately(self) -> dict[str, int]:
        now = _Sample(time.monotonic(), tasks.total(), messages.total())
        self._samples.append(now)
        while len(self._samples) > 2 and self._samples[1].at <= now.at - MINUTE:
            self._samples.popleft()
        then = self._samples[0]
        return {"tasks": now.tasks - then.tasks, "messages": now.messages - then.messages}
