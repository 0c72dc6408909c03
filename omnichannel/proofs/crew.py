"""Processes that send, to be killed at any moment.

Each is what `up` starts to run the ticks (`manage.py embedded_worker`), with the schedule of the
database, but forked from this process: so it is at work within moments, however often it is
killed. Nothing but the process is shared: no connection to the database is open at a fork.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType

from celery import current_app
from django.conf import settings
from django.core.management import call_command, get_commands, load_command_class
from django.db import connections
from django_celery_beat.models import PeriodicTask

WORKER = "embedded_worker"
# The periodic tasks that a campaign under way needs, by the ends of their names.
SENDING = ("send_promotional", "promote_due_messages", "recover_messages", "_jobs")
FORK = multiprocessing.get_context("fork")


class Crew:
    """`size` workers as a context manager. Their log is `worker.log` in VAR_DIR."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.log = Path(settings.VAR_DIR) / "worker.log"
        self.workers: list[BaseProcess] = []

    def __enter__(self) -> Crew:
        _warm_up()
        self._reads, self._writes = os.pipe()  # its end tells the workers that we are no more
        self.workers = [self._hire() for _ in range(self.size)]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self.workers:
            self._end(worker)
        os.close(self._reads)
        os.close(self._writes)

    def kill_one(self, chance: random.Random) -> None:
        """`kill -9` one of them, and have another in its place."""
        place = chance.randrange(self.size)
        self._end(self.workers[place])
        self.workers[place] = self._hire()

    def last_words(self, lines: int = 20) -> str:
        return "\n".join(self.log.read_text().splitlines()[-lines:]) if self.log.exists() else ""

    def _hire(self) -> BaseProcess:
        connections.close_all()
        worker = FORK.Process(target=_work, args=(self._reads, self._writes, self.log))
        worker.start()
        return worker

    def _end(self, worker: BaseProcess) -> None:
        worker.kill()
        worker.join()


def keep_periodic(*tasks: str) -> None:
    """Switch off the periodic tasks that end with none of these names."""
    for row in PeriodicTask.objects.all():
        row.enabled = row.task.endswith(tasks)
        row.save(update_fields=["enabled"])


def _warm_up() -> None:
    """All that a worker imports and puts together, once: a worker may have a quarter second."""
    load_command_class(str(get_commands()[WORKER]), WORKER)
    current_app.loader.import_default_modules()
    current_app.finalize()
    list(PeriodicTask.objects.enabled().select_related("interval"))


def _work(reads: int, writes: int, log: Path) -> None:
    os.close(writes)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(file, stream)
    sys.stdin = os.fdopen(reads)
    call_command(WORKER)
