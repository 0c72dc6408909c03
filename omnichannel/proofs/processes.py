"""Processes beside this one: Celery's workers and beats, brokers. All end with the proof."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from django.conf import settings


class Server:
    """A process that leads a group of its own. Its log is `<name>.log` in VAR_DIR."""

    def __init__(self, name: str, command: list[str], env: dict[str, str]) -> None:
        self.name = name
        self.log = Path(settings.VAR_DIR) / f"{name}.log"
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **env},
                cwd=settings.BASE_DIR,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def signal(self, number: signal.Signals) -> None:
        """To all of its group."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self._process.wait()

    def last_words(self, lines: int = 15) -> str:
        written = self.log.read_text(errors="replace").splitlines()
        return "\n".join([f"{self.name}:", *written[-lines:]])


class Celery:
    """Workers and beats on a broker, as docs/production.md says; a context manager."""

    def __init__(self, url: str) -> None:
        self.env = {"CELERY_BROKER_URL": url}
        self.servers: list[Server] = []

    def __enter__(self) -> Celery:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in self.servers:
            server.kill()

    def worker(self, name: str, queues: str, processes: int) -> None:
        size = str(processes)
        self._start(name, "worker", "-Q", queues, "-c", size, "-n", f"{name}@%h")

    def beat(self, name: str) -> None:
        schedule = str(Path(settings.VAR_DIR) / name)
        self._start(name, "beat", "-s", schedule, "--pidfile=")

    def last_words(self) -> str:
        return "\n".join(server.last_words() for server in self.servers)

    def _start(self, name: str, *arguments: str) -> None:
        command = [sys.executable, "-m", "celery", "-A", "config", *arguments]
        self.servers.append(Server(name, command, self.env))
