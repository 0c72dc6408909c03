"""Workers in processes of their own, forked from the test: they start at once and can be killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection, connections

from omnichannel import crash, lifecycle

KILLED = -signal.SIGKILL


@contextmanager
def database_for_many(folder: Path) -> Iterator[None]:
    """The test's database as other processes see it too: SQLite's is in memory until then."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    in_memory, name = connection.connection, connection.settings_dict["NAME"]
    path = folder / "shared.sqlite3"
    with sqlite3.connect(path) as target:
        in_memory.backup(target)
    target.close()
    connection.connection, connection.settings_dict["NAME"] = None, str(path)
    try:
        yield
    finally:
        connections.close_all()
        connection.connection, connection.settings_dict["NAME"] = in_memory, name


class Child:
    """A forked process that does `work`; what it raises is printed and makes its code 1.

    One that `heeds_stop` is asked to end by SIGTERM, as the workers are, from its first moment on.
    """

    def __init__(
        self, work: Callable[[], object], crash_at: str = "", *, heeds_stop: bool = False
    ) -> None:
        connections.close_all()  # a connection must not be shared
        self.code: int | None = None
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        self.pid = os.fork()
        if self.pid == 0:
            self._work(work, crash_at, heeds_stop)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    def _work(self, work: Callable[[], object], crash_at: str, heeds_stop: bool) -> None:
        code = 1
        try:
            settings.CRASH_POINT = crash_at
            crash.forget()
            lifecycle.forget_stop()
            if heeds_stop:
                signal.signal(signal.SIGTERM, lambda *_: lifecycle.request_stop())
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            work()
            code = 0
        finally:  # nothing of the test may go on in here
            if code:
                traceback.print_exc()
            sys.stderr.flush()
            os._exit(code)

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)

    def wait(self, seconds: float = 30) -> int:
        """Its exit code, negative for a signal. One that does not end in time is killed."""
        deadline = time.monotonic() + seconds
        while self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                self.kill()
                os.waitpid(self.pid, 0)
                raise AssertionError(f"a process did not end within {seconds} s")
            else:
                time.sleep(0.005)
        return self.code


def crashed(work: Callable[[], object], at: str) -> int:
    return Child(work, crash_at=at).wait()
