"""The server as it is started: in the process of the pages, and as one of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from contextlib import closing

import pytest

from integrations.protocols.sftp import embedded
from tests import prepared
from tests.integrations.sftp.clients import Clients
from tests.integrations.sftp.test_uploads import wait_until

SECONDS = 60


@pytest.fixture
def handles(settings, tmp_path):
    settings.VAR_DIR, settings.SFTP_HOST = tmp_path, "127.0.0.1"
    started = []

    def start(port):
        settings.SFTP_PORT = port
        started.append(embedded.start())
        return started[-1]

    yield start
    for handle in started:
        handle.stop(1)


def banner(port):
    with socket.create_connection(("127.0.0.1", port), 5) as caller:
        return caller.recv(100)


def test_embedded_server_listens_and_stops(handles):
    handle = handles(0)
    status = embedded.status()
    assert status.is_listening
    assert banner(status.port).startswith(b"SSH-2.0-Studio")

    handle.stop(1)

    assert not embedded.status().is_listening
    with pytest.raises(OSError):
        banner(status.port)


def test_taken_port_is_shown_and_taken_when_it_is_free(handles, monkeypatch):
    monkeypatch.setattr(embedded, "AGAIN_SECONDS", 0.1)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        handles(port)

        status = embedded.status()
        assert not status.is_listening
        assert f"127.0.0.1:{port}" in status.trouble
        assert "SFTP_PORT" in status.trouble

    wait_until(lambda: embedded.status().is_listening)
    assert embedded.status().trouble == ""


class Process:
    """`manage.py run_sftp` with a database of its own, in which one partner may sign in."""

    def __init__(self, folder, filled, login, password):
        self.folder, self.login, self.password = folder, login, password
        shutil.copy(filled, folder / "studio.sqlite3")
        self.env, self.process = environment(folder), None

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "run_sftp", "--host", "127.0.0.1", "--port", "0"],
            cwd=prepared.ROOT,
            env=self.env,
            stdout=subprocess.PIPE,
            text=True,
        )
        said = self.process.stdout.readline()
        return int(re.search(r":(\d+)$", said.strip())[1])

    def query(self, statement):
        with closing(sqlite3.connect(self.folder / "studio.sqlite3", timeout=20)) as database:
            found = database.execute(statement).fetchall()
            database.commit()
            return found

    def documents(self):
        return self.query("SELECT filename FROM integrations_transmission ORDER BY id")


def environment(folder):
    own = {"VAR_DIR": str(folder), "SECRET_KEY": "test", "FIELD_ENCRYPTION_KEYS": "test-ring"}
    others = ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")
    return {**{name: value for name, value in os.environ.items() if name not in others}, **own}


MAKE_PARTNER = """
from django.utils import timezone
from integrations import passwords
from tests.factories_integrations import make_sftp
row = make_sftp()
print(row.login, passwords.generate(row, None, timezone.now()))
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A database with a partner, who may sign in with this password."""
    folder = tmp_path_factory.mktemp("filled")
    shutil.copy(prepared.sqlite_file(), folder / "studio.sqlite3")
    said = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", MAKE_PARTNER],
        cwd=prepared.ROOT,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return (folder / "studio.sqlite3", *said.split())


@pytest.fixture
def process(tmp_path, filled):
    folder = tmp_path / "var"
    folder.mkdir()
    process = Process(folder, *filled)
    yield process
    if process.process is not None:
        process.process.kill()
        process.process.wait()
        process.process.stdout.close()


@pytest.mark.slow
def test_own_process_serves_ends_at_sigterm_and_keeps_its_key(process, program, tmp_path):
    clients = Clients(process.start(), process.login, process.password, program, tmp_path)
    path = clients.file("orders.edi")
    key = (process.folder / "sftp_host_key").read_bytes()

    result = clients.sftp(f"put {path} /coutbox/")

    assert (result.returncode, result.stderr) == (0, "")
    assert process.documents() == [("orders.edi",)]
    large = clients.file("large.bin", b"x" * 8_000_000)
    upload = clients.start(*clients.sftp_command("-l", "2000"))
    upload.stdin.write(f"put {large} /coutbox/\n".encode())
    upload.stdin.flush()
    scratch = process.folder / "media" / "integrations" / ".scratch"
    wait_until(lambda: list(scratch.iterdir()), SECONDS)
    began = time.monotonic()
    process.process.send_signal(signal.SIGTERM)
    assert process.process.wait(SECONDS) == 0
    assert time.monotonic() - began < 8
    upload.kill()
    upload.communicate()
    assert process.documents() == [("orders.edi",)]
    assert list(scratch.iterdir()) == []
    process.process.stdout.close()
    clients.port = process.start()
    assert clients.sftp("ls -1 /").returncode == 0
    assert (process.folder / "sftp_host_key").read_bytes() == key


@pytest.mark.slow
def test_session_is_dropped_within_two_seconds_of_the_switch_off(process, program, tmp_path):
    clients = Clients(process.start(), process.login, process.password, program, tmp_path)
    large = clients.file("large.bin", b"x" * 8_000_000)
    upload = clients.start(*clients.sftp_command("-l", "2000"))
    upload.stdin.write(f"put {large} /coutbox/\n".encode())
    upload.stdin.flush()
    scratch = process.folder / "media" / "integrations" / ".scratch"
    wait_until(lambda: scratch.exists() and list(scratch.iterdir()), SECONDS)

    process.query("UPDATE integrations_integration SET active = 0")
    began = time.monotonic()
    upload.wait(SECONDS)
    seconds = time.monotonic() - began
    upload.communicate()

    assert seconds < 2.0
    assert process.documents() == []
    wait_until(lambda: not list(scratch.iterdir()))


@pytest.mark.slow
def test_documents_whose_close_was_answered_survive_a_kill(process, program, tmp_path):
    clients = Clients(process.start(), process.login, process.password, program, tmp_path)
    names = [uuid.uuid4().hex for _ in range(40)]
    batch = "".join(
        f"put {clients.file(name)} /coutbox/{name}\n!touch done-{name}\n" for name in names
    )
    upload = clients.start(*clients.sftp_command())
    upload.stdin.write(batch.encode())
    upload.stdin.close()
    wait_until(lambda: len(list(tmp_path.glob("done-*"))) > 5, SECONDS)

    process.process.kill()
    process.process.wait()
    upload.wait(SECONDS)
    upload.stdout.close()

    answered = {path.name.removeprefix("done-") for path in tmp_path.glob("done-*")}
    assert len(answered) > 5
    assert answered <= {name for (name,) in process.documents()}
