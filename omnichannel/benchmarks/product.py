"""The product as it is really started, for benchmarks: `up` and, with a broker, Celery's processes.

    with Product("postgresql", layout=ONE_WORKER) as product:
        browser = product.sign_in()
        browser.get("/admin/"), browser.post("/admin/...", {...})

It works on the benchmark's own database. With PostgreSQL it needs a broker: BENCH_BROKER_URL, or a
Redis server that is started here.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from django.conf import settings

from omnichannel.benchmarks.browser import Browser

PASSWORD = secrets.token_urlsafe(12)  # the account is made once in a database
ONE_WORKER = ("otp,transactional,promotional,default",)
ONE_PER_QUEUE = ("otp", "transactional", "promotional", "default")
START_SECONDS = 60
END_SECONDS = 8

# Ends when its parent does, even by `kill -9` (PR_SET_PDEATHSIG): nothing is left running.
TIED = (
    sys.executable,
    "-c",
    "import ctypes, os, sys\n"
    "if sys.platform == 'linux': ctypes.CDLL(None).prctl(1, 15)\n"
    "os.execvp(sys.argv[1], sys.argv[1:])",
)

Found = TypeVar("Found")


def wait_until(happened: Callable[[], Found], what: str, seconds: float = 30) -> Found:
    """The first true value of `happened`. Raises RuntimeError when the time is over."""
    deadline = time.monotonic() + seconds
    while not (found := happened()):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.02)
    return found


class Product:
    """`layout` names the queues of each Celery worker, `processes` the size of their pools."""

    def __init__(self, db: str, *, layout: Sequence[str] = ONE_WORKER, processes: int = 4) -> None:
        self.layout = layout if db == "postgresql" else ()
        self.processes = processes
        self.port = free_port()
        self.folder = Path(settings.VAR_DIR)
        self._running: list[subprocess.Popen[bytes]] = []
        self._env = {
            **os.environ,
            "PORT": str(self.port),
            "ADMIN_PASSWORD": PASSWORD,
            "LOG_LEVEL": "WARNING",
        }

    def __enter__(self) -> Product:
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def sign_in(self) -> Browser:
        browser = Browser(self.port)
        browser.sign_in("admin", PASSWORD)
        return browser

    def _start(self) -> None:
        if self.layout:
            self._env["CELERY_BROKER_URL"] = os.environ.get("BENCH_BROKER_URL") or self._redis()
        self._spawn("up", "manage.py", "up")
        wait_until(lambda: Browser(self.port).is_answered("/readyz"), "The start", START_SECONDS)
        for number, queues in enumerate(self.layout):
            pool = ("-c", str(self.processes), "-n", f"bench{number}@%h")
            self._spawn(f"worker{number}", *_CELERY, "worker", "-Q", queues, *pool)
        if self.layout:
            schedule = str(self.folder / "beat")
            self._spawn("beat", *_CELERY, "beat", "-s", schedule, "--pidfile=")

    def _redis(self) -> str:
        port = free_port()
        options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", self.folder)
        self._popen("redis", ["redis-server", *map(str, options)])
        wait_until(lambda: _answers(port), "The start of Redis", START_SECONDS)
        return f"redis://127.0.0.1:{port}/0"

    def _spawn(self, name: str, *arguments: str) -> None:
        self._popen(name, [sys.executable, *arguments])

    def _popen(self, name: str, command: list[str]) -> None:
        with (self.folder / f"{name}.log").open("a") as log:
            self._running.append(
                subprocess.Popen(
                    [*TIED, *command],
                    env=self._env,
                    cwd=settings.BASE_DIR,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )

    def _end(self) -> None:
        """Ask, wait, then kill: the broker last, so that nobody waits for it."""
        for process in self._running[::-1]:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS)
            _kill_group(process)
        self._running.clear()


_CELERY = ("-m", "celery", "-A", "config")


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
