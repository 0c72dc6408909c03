"""The embedded worker: django-celery-beat's schedule, its tasks run by threads, no broker."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import close_old_connections
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

from config.celery import app
from omnichannel.lifecycle import request_stop, stop_requested

logger = logging.getLogger(__name__)

GRACE_SECONDS = 2.8
LOOK_SECONDS = 0.2


class EmbeddedScheduler(DatabaseScheduler):
    """Runs each due task in a thread, a periodic task never beside itself."""

    producer = None
    sync_every = 10

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=32, thread_name_prefix="tick")
        self._running: set[str] = set()
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
        elif entry.name not in self._running:
            self._running.add(entry.name)
            self._pool.submit(self._run, entry)
        if self.should_sync():
            self._do_sync()

    def _report_unknown(self, entry: ModelEntry) -> None:
        if entry.task not in self._unknown:
            self._unknown.add(entry.task)
            logger.error("Periodic task %s names no task: %s", entry.name, entry.task)

    def _run(self, entry: ModelEntry) -> None:
        try:
            close_old_connections()
            app.tasks[entry.task](*entry.args, **entry.kwargs)
        except Exception:
            logger.exception("Periodic task %s failed", entry.name)
        finally:
            close_old_connections()
            self._running.discard(entry.name)

    def wait_until_idle(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self._running and time.monotonic() < deadline:
            time.sleep(0.02)
        return not self._running


def work() -> None:
    """Tick until a stop is asked for by SIGTERM or by the end of standard input. Never returns."""
    signal.signal(signal.SIGTERM, lambda *_: request_stop())
    # Ctrl-C reaches the whole group; the parent passes it on in its own time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    app.loader.import_default_modules()
    scheduler = EmbeddedScheduler()
    while not stop_requested():
        time.sleep(max(0.0, min(_tick(scheduler), LOOK_SECONDS)))
    scheduler.wait_until_idle(GRACE_SECONDS)
    scheduler.sync()
    _exit(0)


def _tick(scheduler: EmbeddedScheduler) -> float:
    try:
        return scheduler.tick()
    except Exception:
        logger.exception("The schedule could not be read; trying again")
        return LOOK_SECONDS


def _die_with_parent() -> None:
    """The parent holds the other end of standard input: it closes even on `kill -9`."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    request_stop()
    time.sleep(GRACE_SECONDS + 0.4)
    _exit(1)


def _exit(code: int) -> Any:
    """End at once: a thread that still waits for a slow peer must not hold us back."""
    logging.shutdown()
    os._exit(code)
