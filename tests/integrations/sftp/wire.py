"""A client that says exactly what a test wants it to say."""

from __future__ import annotations

import asyncio
import threading

import asyncssh

SECONDS = 60


class Wire:
    """asyncssh's client on a loop of its own; every method waits for its end."""

    def __init__(self, port, login, password):
        self.port, self.login, self.password = port, login, password
        self.connection = self.sftp = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def open(self, *, subsystem=True, **options):
        self.connection = self.call(self._connect(options))
        if subsystem:
            self.sftp = self.call(self.connection.start_sftp_client())
        return self

    async def _connect(self, options):
        return await asyncssh.connect(
            "127.0.0.1",
            self.port,
            username=self.login,
            password=self.password,
            **{"known_hosts": None, "client_keys": None, "config": None, **options},
        )

    def call(self, awaitable):
        waiting = asyncio.run_coroutine_threadsafe(self._awaited(awaitable), self._loop)
        return waiting.result(SECONDS)

    async def _awaited(self, awaitable):
        return await awaitable

    def __getattr__(self, name):
        """A request of the protocol, as the client's handler sends it."""
        method = getattr(self.sftp._handler, name)
        return lambda *args, **options: self.call(self._await(method, args, options))

    async def _await(self, method, args, options):
        return await method(*args, **options)

    def create(self, path, flags=None):
        flags = flags or asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC
        return self.open_(path, flags)

    def open_(self, path, flags):
        return self.call(self.sftp._handler.open(path, flags, asyncssh.SFTPAttrs()))

    def put(self, path, data):
        handle = self.create(path)
        if data:
            self.write(handle, 0, data)
        self.call(self.sftp._handler.close(handle))

    def close_handle(self, handle):
        self.call(self.sftp._handler.close(handle))

    def drop(self):
        """As when a cable is cut."""
        self._loop.call_soon_threadsafe(self.connection.abort)
        self.call(self.connection.wait_closed())

    def close(self):
        if self._loop.is_closed():
            return
        if self.connection is not None:
            self._loop.call_soon_threadsafe(self.connection.abort)
            self.call(self.connection.wait_closed())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)
        self._loop.close()
