from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.utils import timezone

from integrations import passwords
from integrations.protocols.sftp import threads
from integrations.protocols.sftp.server import Server
from integrations.protocols.sftp.threads import Threads
from tests.factories_integrations import make_sftp
from tests.integrations.sftp.clients import Clients

SECONDS = 60


class Running:
    """A server in a thread, whose own threads use the connection of the test."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self._shared = connections["default"]
        self._shared.inc_thread_sharing()
        self.pool = ThreadPoolExecutor(1, initializer=self._share)
        self.server = Server("127.0.0.1", 0, Threads(self.pool, self.pool))
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.call(self.server.start())
        self.port = self.server.port

    def _share(self):
        connections["default"] = self._shared

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(SECONDS)

    def look(self):
        """What the server does every second."""
        self.call(self.server.look())

    def settle(self):
        """Until what the server was asked or told so far is done."""
        self.call(asyncio.sleep(0.05))
        self.wait_for_threads()

    def wait_for_threads(self):
        self.call(asyncio.sleep(0))
        self.pool.submit(lambda: None).result(SECONDS)
        self.call(asyncio.sleep(0))

    def end(self):
        self.call(self.server.stop(1))
        self.pool.shutdown()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(SECONDS)
        self.loop.close()
        self._shared.dec_thread_sharing()


@pytest.fixture
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
def partner(db, media):
    """An SFTP connection whose password is in `.password`."""
    row = make_sftp()
    row.password = passwords.generate(row, None, timezone.now())
    row.integration.refresh_from_db()
    return row


@pytest.fixture
def running(partner, monkeypatch):
    # In the middle of the test's transaction the connection would not survive it.
    monkeypatch.setattr(threads, "close_old_connections", lambda: None)
    server = Running()
    yield server
    server.end()


@pytest.fixture
def program():
    """The path of a program; the test is skipped where it is not installed."""

    def find(name):
        path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
        if not path:
            pytest.skip(f"{name} is not installed")
        return path

    return find


@pytest.fixture
def clients(running, partner, program, tmp_path):
    """Real programs that are signed in by a password."""
    return Clients(running.port, str(partner.login), partner.password, program, tmp_path)


@pytest.fixture
def connect(running, partner):
    """asyncssh's own client, for what no program does: `with connect() as sftp: ...`."""
    from tests.integrations.sftp.wire import Wire

    opened = []

    def open_one(login=None, password=None, **options):
        wire = Wire(running.port, login or str(partner.login), password or partner.password)
        opened.append(wire)
        wire.open(**options)
        running.wait_for_threads()  # what is written of a sign-in must not meet the test's writes
        return wire

    yield open_one
    for wire in opened:
        wire.close()


@pytest.fixture
def make_key(tmp_path, program):
    def make(name="key"):
        path = tmp_path / name
        command = [program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
        subprocess.run(command, check=True)
        return path

    return make
