"""The product as it is started: `manage.py up` with a folder, a port and a database of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.live import ROOT, LiveStudio

PASSWORD = "a-password-of-the-test"
READY = "Stop      Ctrl-C"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(happened: Callable[[], Any], what: str, seconds: float = 90) -> Any:
    """Answer the first true value of `happened`."""
    deadline = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.05)
    return found


class Product(LiveStudio):
    """Started by `up`, which fills the database itself. Ends with all its processes."""

    def __init__(self, var_dir: Path, postgres_url: str = "", **settings: str) -> None:
        super().__init__(var_dir, postgres_url)
        self.port = free_port()
        self.settings = {
            "PORT": str(self.port),
            "SFTP_PORT": str(free_port()),
            "ADMIN_PASSWORD": PASSWORD,
            "DEMO_DATA": "0",
            **settings,
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Product:
        if self.postgres_url:
            self._server(f"CREATE DATABASE {self.name}")
        else:
            self.copy_migrated()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.running:
            end_group(process)
        super().__exit__()

    def env(self, **more: str) -> dict[str, str]:
        return super().env(**{**self.settings, **more})

    def up(self) -> subprocess.Popen:
        """Start it and wait until it serves."""
        process = self.spawn("up", "manage.py", "up")
        self.wait_for_log("up", READY, process)
        return process

    def spawn(self, name: str, *command: str) -> subprocess.Popen:
        """A Python process that leads a group of its own and writes to `<name>.log`."""
        with self.log(name).open("w") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                env=self.env(),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def log(self, name: str) -> Path:
        return self.var_dir / f"{name}.log"

    def wait_for_log(self, name: str, text: str, process: subprocess.Popen) -> None:
        def is_there() -> bool:
            written = self.log(name).read_text()
            assert process.poll() is None, written
            return text in written

        wait_until(is_there, f"{text!r} in the log of {name}")

    def ask(self, code: str) -> Any:
        """Run `code` beside the product; answer the JSON that it prints."""
        return json.loads(self.run(code))


def children_of(process: subprocess.Popen) -> list[int]:
    found = Path(f"/proc/{process.pid}/task").glob("*/children")
    return [int(pid) for file in found for pid in file.read_text().split()]


def is_alive(pid: int) -> bool:
    """False also for one that has ended and that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def end_group(process: subprocess.Popen) -> None:
    """Kill the leader of a group and whatever it has left behind."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
