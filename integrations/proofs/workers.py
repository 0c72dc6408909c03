"""Workers that process partners' documents, forked from this process to be killed anywhere."""

from __future__ import annotations

import datetime
import multiprocessing
import os
import signal
import time
from multiprocessing.process import BaseProcess

from django.conf import settings
from django.db import connections

from integrations.delivering import deliver_due
from integrations.processing import process_due
from omnichannel import crash
from omnichannel.proofs.base import ENOUGH, ProofFailed

FORK = multiprocessing.get_context("fork")
KILLED = -signal.SIGKILL


def start(at: datetime.datetime, *, crash_at: str = "") -> BaseProcess:
    """One that works until nothing is due. `at` is its clock: leases run out between two."""
    connections.close_all()  # a connection must not be shared
    worker = FORK.Process(target=_work, args=(at, crash_at))
    worker.start()
    return worker


def _work(at: datetime.datetime, crash_at: str) -> None:
    settings.CRASH_POINT = crash_at
    crash.forget()
    while process_due(at, most=2) + deliver_due(at, most=2):
        pass
    os._exit(0)


def end(worker: BaseProcess) -> bool:
    """Wait for it; whether it was killed. Raises ProofFailed."""
    worker.join(ENOUGH)
    if worker.exitcode not in (0, KILLED):
        worker.kill()
        raise ProofFailed(f"A worker ended with {worker.exitcode}.")
    return worker.exitcode == KILLED


def kill_after(worker: BaseProcess, seconds: float) -> bool:
    """`kill -9` wherever it is by then; whether it was still at work."""
    time.sleep(seconds)
    worker.kill()
    return end(worker)
