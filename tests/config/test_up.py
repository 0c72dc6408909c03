"""`manage.py up` as an operator meets it: started, stopped, killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

MANAGE = Path(__file__).resolve().parent.parent.parent / "manage.py"


class Studio:
    """`manage.py up` in a process of its own."""

    def __init__(self, var_dir: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = var_dir / "up.log"
        env = {
            **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
            "VAR_DIR": str(var_dir),
            "PORT": str(self.port),
            "DEMO_DATA": "0",
            "SEND_PROCESSES": "1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        command = [sys.executable, str(MANAGE), "up"]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, env=env, stdout=log, stderr=log)

    def get(self, path: str) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            request = f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"
            connection.sendall(request.encode())
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def wait_for(self, text: str) -> None:
        self.wait_until(lambda: text in self.log.read_text(), f"{text!r} in the log")

    def wait_until(self, happened, what: str, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < deadline, f"no {what}: {self.log.read_text()}"
            time.sleep(0.05)

    def worker_pid(self) -> int:
        children = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        found = [pid for file in children for pid in file.read_text().split()]
        return int(found[0]) if found else 0


@pytest.fixture
def studio(tmp_path):
    studio = Studio(tmp_path)
    yield studio
    studio.process.kill()
    studio.process.wait()


def test_up_serves_and_ends_in_order(studio):
    studio.wait_for("Stop")
    studio.wait_until(studio.worker_pid, "worker")
    worker = studio.worker_pid()
    login = studio.get("/admin/login/?next=/admin/")
    ready = studio.get("/readyz")
    started = time.monotonic()

    studio.process.send_signal(signal.SIGTERM)
    code = studio.process.wait(timeout=10)

    assert login.startswith(b"HTTP/1.1 200") or login.startswith(b"HTTP/1.0 200")
    assert b"200 OK" in ready
    assert "Password" in studio.log.read_text()
    assert code == 0
    assert time.monotonic() - started < 9
    assert not Path(f"/proc/{worker}").exists()


@pytest.mark.slow
def test_worker_dies_with_its_parent_and_is_replaced_when_it_dies(studio):
    studio.wait_for("Stop")
    studio.wait_until(studio.worker_pid, "worker")
    first = studio.worker_pid()

    os.kill(first, signal.SIGKILL)
    studio.wait_until(lambda: studio.worker_pid() not in (0, first), "second worker")
    second = studio.worker_pid()
    studio.process.kill()

    studio.wait_until(lambda: not _is_alive(second), "end of the worker", seconds=8)


def _is_alive(pid: int) -> bool:
    """False also for one that has ended and that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_taken_port_is_told_in_one_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        env = {**os.environ, "VAR_DIR": str(tmp_path), "PORT": port}
        env["DJANGO_SETTINGS_MODULE"] = "config.settings"
        command = [sys.executable, str(MANAGE), "up"]

        result = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30)

    assert result.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "studio.sqlite3").exists()
