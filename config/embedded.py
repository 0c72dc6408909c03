"""The embedded worker: django-celery-beat's schedule, its tasks run by threads, no broker."""

from __future__ import annotations

import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue

from django.db import close_old_connections
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

from config import child
from config.celery import app
from omnichannel import doorbell, heartbeat
from omnichannel.choices import ProcessRole
from omnichannel.lifecycle import stop_requested

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2


class EmbeddedScheduler(DatabaseScheduler):
    """Runs each due task in a thread, a periodic task never beside itself."""

    producer = None
    sync_every = 10

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=32, thread_name_prefix="tick")
        self._running: set[str] = set()
        self._again: set[str] = set()
        self._unknown: set[str] = set()
        self._look_again = 0.0
        super().__init__(app=app)

    def setup_schedule(self) -> None:
        """The rows are all there is: nothing is added to them."""

    def schedule_changed(self) -> bool:
        if time.monotonic() < self._look_again:
            return False
        self._look_again = time.monotonic() + 1
        return super().schedule_changed()

    def apply_entry(self, entry: ModelEntry, producer: object = None) -> None:
        if entry.task not in app.tasks:
            self._report_unknown(entry)
        else:
            self._start(entry)
        if self.should_sync():
            self._do_sync()

    def _start(self, entry: ModelEntry) -> None:
        if entry.name not in self._running:
            self._running.add(entry.name)
            heartbeat.tasks.add(1)
            self._pool.submit(self._run, entry)

    def ring(self, task: str) -> None:
        """Run the task's entries now; one that is running runs once more after its end."""
        for entry in list(self.schedule.values()):
            if entry.task == task:
                self._again.add(entry.name)
                self._start(entry)

    def _report_unknown(self, entry: ModelEntry) -> None:
        if entry.task not in self._unknown:
            self._unknown.add(entry.task)
            logger.error("Periodic task %s names no task: %s", entry.name, entry.task)

    def _run(self, entry: ModelEntry) -> None:
        try:
            close_old_connections()
            self._again.discard(entry.name)
            app.tasks[entry.task](*entry.args, **entry.kwargs)
        except Exception:
            logger.exception("Periodic task %s failed", entry.name)
        finally:
            close_old_connections()
            self._running.discard(entry.name)
        if entry.name in self._again and not stop_requested():
            self._start(entry)

    def wait_until_idle(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self._running and time.monotonic() < deadline:
            time.sleep(0.02)
        return not self._running


def work() -> None:
    """Tick until a stop is asked for by SIGTERM or by the end of standard input. Never returns."""
    rings = child.begin()
    app.loader.import_default_modules()
    scheduler = EmbeddedScheduler()
    doorbell.connect(rings.put)
    heart = heartbeat.Heart(ProcessRole.EMBEDDED, f"embedded@{socket.gethostname()}").start()
    while not stop_requested():
        _wait(scheduler, rings, max(0.0, min(_tick(scheduler), LOOK_SECONDS)))
    heart.stop(seconds=0.2)
    scheduler.wait_until_idle(child.GRACE_SECONDS - 0.2)
    scheduler.sync()
    child.end(0)


def _tick(scheduler: EmbeddedScheduler) -> float:
    try:
        return scheduler.tick()
    except Exception:
        logger.exception("The schedule could not be read; trying again")
        return LOOK_SECONDS


def _wait(scheduler: EmbeddedScheduler, rings: SimpleQueue[str], seconds: float) -> None:
    """Until the next tick, or at once when somebody rings."""
    with suppress(Empty):
        scheduler.ring(rings.get(timeout=seconds) if seconds else rings.get_nowait())
