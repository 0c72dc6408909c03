"""The servers that are measured: ours, and OpenSSH's with a configuration of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

START_SECONDS = 60.0
PRIVILEGE_SEPARATION = Path("/run/sshd")


@dataclass(frozen=True)
class Target:
    """Where OpenSSH's client goes, and with which key."""

    port: int
    login: str
    key: Path
    pid: int

    def sftp(self, batch: str) -> None:
        """Raises CalledProcessError when a command of the batch is refused."""
        subprocess.run(
            [
                *(program("sftp"), "-q", "-F", "none", "-b", "-", "-i", str(self.key)),
                *("-P", str(self.port)),
                *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
                *("-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"),
                f"{self.login}@127.0.0.1",
            ],
            input=batch.encode(),
            stdout=subprocess.DEVNULL,
            check=True,
        )

    def peak_mb(self) -> float:
        """The highest resident size of the server so far."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
        return 0.0


def program(name: str) -> str:
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if path is None:
        raise RuntimeError(f"{name} is not installed. Install OpenSSH's client and server.")
    return path


def make_key(folder: Path, name: str) -> Path:
    path = folder / name
    made = [program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(made, check=True)
    return path


@contextmanager
def ours(login: str, key: Path) -> Iterator[Target]:
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "run_sftp"]
    port = _free_port()
    with _running([*command, "--host", "127.0.0.1", "--port", str(port)], port) as pid:
        yield Target(port, login, key, pid)


@contextmanager
def openssh(folder: Path, key: Path) -> Iterator[Target]:
    port = _free_port()
    if os.geteuid() == 0:
        PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)  # as its start script does
    lines = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": make_key(folder, "sshd_host_key"),
        "AuthorizedKeysFile": key.with_suffix(".pub"),
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "yes",
        "Subsystem": "sftp internal-sftp",
    }
    config = folder / "sshd_config"
    config.write_text("".join(f"{word} {value}\n" for word, value in lines.items()))
    with _running([program("sshd"), "-D", "-e", "-f", str(config)], port) as pid:
        yield Target(port, getpass.getuser(), key, pid)


@contextmanager
def _running(command: list[str], port: int) -> Iterator[int]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _await_port(port, process)
            yield process.pid
        finally:
            process.terminate()


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with socket.socket() as caller:
            if caller.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} does not listen.")


def _free_port() -> int:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return int(holder.getsockname()[1])
