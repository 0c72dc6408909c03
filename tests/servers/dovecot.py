"""Debian's Dovecot on free loopback ports: a real IMAP and POP3 server for one test module.

with Dovecot() as server:
    server.drop("ann", mail)
    server.mails("ann", "INBOX")  # [(flags, bytes)]
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tests.servers.tls import server_pem

PASSWORD = "Pässword-of-the-mailbox"
OWNER = "nobody"
CONFIG = """
protocols = imap pop3
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
ssl = yes
ssl_cert = <{home}/server.pem
ssl_key = <{home}/server.pem
disable_plaintext_auth = no
mail_location = maildir:{home}/mail/%u
first_valid_uid = 1
auth_failure_delay = 0
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = {imap}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    address = 127.0.0.1
    port = {pop3}
  }}
  inet_listener pop3s {{
    address = 127.0.0.1
    port = {pop3s}
    ssl = yes
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""
PORTS = ("imap", "imaps", "pop3", "pop3s")
_numbers = itertools.count(1)


def require_dovecot() -> str:
    path = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")
    if not path or not Path("/usr/lib/dovecot/pop3").exists():
        pytest.skip("Dovecot is not installed: apt-get install dovecot-imapd dovecot-pop3d")
    if os.geteuid() != 0:
        pytest.skip("Dovecot starts as root only")
    return path


class Dovecot:
    def __enter__(self) -> Dovecot:
        path = require_dovecot()
        self.home = Path(tempfile.mkdtemp(prefix="dovecot-"))
        self.home.chmod(0o755)
        owner = pwd.getpwnam(OWNER)
        self.uid, self.gid = owner.pw_uid, owner.pw_gid
        (self.home / "server.pem").write_bytes(server_pem())
        (self.home / "mail").mkdir()
        os.chown(self.home / "mail", self.uid, self.gid)
        for _ in range(3):  # somebody else may be quicker at a port that was free
            self._start(path)
            if self._answers():
                return self
        raise RuntimeError(f"Dovecot did not start: {self.log()}")

    def _start(self, path: str) -> None:
        self.ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
        values = {"home": self.home, "uid": self.uid, "gid": self.gid, **self.ports}
        (self.home / "conf").write_text(CONFIG.format(password=PASSWORD, **values))
        self.process = subprocess.Popen(
            [path, "-F", "-c", str(self.home / "conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        shutil.rmtree(self.home, ignore_errors=True)

    def new_user(self) -> str:
        """A mailbox of its own for one test."""
        return f"user{next(_numbers)}"

    def drop(self, user: str, mail: bytes) -> None:
        """A mail arrives."""
        root = self.home / "mail" / user
        for name in ("tmp", "new", "cur"):
            self._make(root / name)
        name = f"{time.time_ns()}.{next(_numbers)}.example"
        (root / "tmp" / name).write_bytes(mail)
        os.chown(root / "tmp" / name, self.uid, self.gid)
        (root / "tmp" / name).rename(root / "new" / name)

    def mails(self, user: str, folder: str = "INBOX") -> list[tuple[str, bytes]]:
        """(flags, content) of each mail of a folder that is not deleted, in order of arrival."""
        root = self.home / "mail" / user
        root = root if folder == "INBOX" else root / f".{folder}"
        files = [file for name in ("new", "cur") for file in root.glob(f"{name}/*")]
        return [
            (file.name.partition(":2,")[2], file.read_bytes())
            for file in sorted(files, key=lambda file: file.name)
        ]

    def log(self) -> str:
        return (self.home / "log").read_text()

    def _make(self, path: Path) -> None:
        for each in (path.parent, path):
            each.mkdir(exist_ok=True)
            os.chown(each, self.uid, self.gid)

    def _answers(self) -> bool:
        """False when it ended instead."""
        ends = time.monotonic() + 30
        while time.monotonic() < ends and self.process.poll() is None:
            with contextlib.suppress(OSError):
                for port in self.ports.values():
                    socket.create_connection(("127.0.0.1", port), 1).close()
                if self.process.poll() is None:
                    return True
            time.sleep(0.05)
        return False


def _free_ports(count: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports
