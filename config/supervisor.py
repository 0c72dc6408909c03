"""The parent's side of the embedded processes: start them, start them again, end them."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress

from django.conf import settings

logger = logging.getLogger(__name__)

LONGEST_PAUSE = 30.0
HEALTHY_SECONDS = 60.0
KILL_AFTER = 3.2


class Crew:
    """All child processes: one in which the ticks run, and those that send beside it."""

    def __init__(self, senders: int) -> None:
        self._workers = [Worker("embedded_worker")]
        self._workers += [Worker("embedded_sender") for _ in range(senders)]

    def start(self) -> None:
        for worker in self._workers:
            worker.start()

    def ring(self, task: str) -> None:
        for worker in self._workers:
            worker.ring(task)

    def ask_to_stop(self) -> None:
        for worker in self._workers:
            worker.ask_to_stop()

    def stop(self) -> None:
        """Wait for all to end, and end hard what takes too long."""
        self.ask_to_stop()
        until = time.monotonic() + KILL_AFTER
        for worker in self._workers:
            worker.stop(until)

    def kill(self) -> None:
        for worker in self._workers:
            worker.kill()


class Worker:
    """One child process, running the management command of this name."""

    def __init__(self, command: str) -> None:
        self.command = command
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep_alive, name="worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ring(self, task: str) -> None:
        """Have the child run this task now. Never waits: a lost ring is made up by the tick."""
        pipe = self._process.stdin if self._process else None
        if pipe is not None:
            with suppress(OSError):
                os.write(pipe.fileno(), f"{task}\n".encode())

    def ask_to_stop(self) -> None:
        """The child begins to end, at once if it is still starting. Does not wait."""
        self._stopping.set()
        if self._process:
            self._process.terminate()

    def stop(self, until: float) -> None:
        """Wait for the child to end, and end it hard when it has not by `until` (monotonic)."""
        if self._process:
            try:
                self._process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        if self._process:
            self._process.kill()

    def _keep_alive(self) -> None:
        pause = 1.0
        while not self._stopping.is_set():
            started = time.monotonic()
            code = self._run_once()
            if self._stopping.is_set():
                return
            lived = time.monotonic() - started
            pause = 1.0 if lived > HEALTHY_SECONDS else min(2 * pause, LONGEST_PAUSE)
            logger.error("The worker ended (code %s). Starting it again in %.0f s.", code, pause)
            self._stopping.wait(pause)

    def _run_once(self) -> int:
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), self.command]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE)
        if self._process.stdin:
            os.set_blocking(self._process.stdin.fileno(), False)
        if self._stopping.is_set():
            self.ask_to_stop()
        return self._process.wait()
