"""The SFTP server in a thread of the process that also serves the pages."""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import dataclass

from django.conf import settings

from integrations.exceptions import IntegrationError
from integrations.protocols.sftp.server import Server

logger = logging.getLogger(__name__)

AGAIN_SECONDS = 10.0
GRACE_SECONDS = 5.0
START_SECONDS = 5.0


@dataclass(frozen=True)
class Status:
    """Of the server of this process. `trouble` is for the operator: why it does not listen."""

    is_listening: bool = False
    host: str = ""
    port: int = 0
    trouble: str = ""


_status = Status()


def status() -> Status:
    return _status


class Handle:
    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._begun = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._seconds = GRACE_SECONDS
        self._thread = threading.Thread(target=self._run, name="sftp-server", daemon=True)

    def start(self) -> None:
        """Returns when it listens, or when it cannot: then it goes on trying."""
        self._thread.start()
        self._begun.wait(START_SECONDS)

    def stop(self, seconds: float = GRACE_SECONDS) -> None:
        """Finish what is being published, if it takes no longer, and end."""
        self._seconds = seconds
        if self._loop and self._stopping and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(seconds + 1)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception:
            logger.exception("The SFTP server ended")
            _say(Status(False, self._host, self._port, "It ended by an error, see the log."))
        finally:
            self._begun.set()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await self._started(self._stopping)
        if server is None:
            return
        _say(Status(True, self._host, server.port))
        self._begun.set()
        await self._stopping.wait()
        await server.stop(self._seconds)
        _say(Status(False, self._host, self._port, "It was stopped."))

    async def _started(self, stopping: asyncio.Event) -> Server | None:
        while not stopping.is_set():
            server = Server(self._host, self._port)
            try:
                await server.start()
            except (OSError, IntegrationError) as error:
                self._report(error)
            else:
                return server
            self._begun.set()
            try:
                await asyncio.wait_for(stopping.wait(), AGAIN_SECONDS)
            except TimeoutError:
                continue
        return None

    def _report(self, error: Exception) -> None:
        text = str(error)
        if isinstance(error, OSError):
            text = (
                f"SFTP cannot use {self._host}:{self._port} ({error.strerror}). Free the port, or "
                "set SFTP_HOST and SFTP_PORT to another one."
            )
        if _status.trouble != text:
            logger.error(text)
        _say(Status(False, self._host, self._port, text))


def start() -> Handle:
    """On SFTP_HOST and SFTP_PORT. A taken port is reported, tried again, and stops nothing."""
    handle = Handle(settings.SFTP_HOST, settings.SFTP_PORT)
    handle.start()
    return handle


def _say(new: Status) -> None:
    global _status
    _status = new
