"""Connections opened beside the calls: each takes several round trips."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from omnichannel.exceptions import ProviderTrouble

AT_ONCE = 16


class Openers:
    """`connect` raises ProviderTrouble when it cannot. `bell` is readable when one has ended."""

    def __init__(self, connect: Callable[[], socket.socket], size: int) -> None:
        self._connect = connect
        self._threads = ThreadPoolExecutor(min(AT_ONCE, size), thread_name_prefix="http")
        self._opening: list[Future[socket.socket]] = []
        self.bell, self._string = socket.socketpair()
        self.bell.setblocking(False)
        self._string.setblocking(False)

    def __len__(self) -> int:
        return len(self._opening)

    def start(self) -> None:
        future = self._threads.submit(self._connect)
        self._opening.append(future)
        future.add_done_callback(self._ring)

    def ended(self) -> list[socket.socket | ProviderTrouble]:
        """What came of those that are done since the last call."""
        if not self._opening:
            return []
        with contextlib.suppress(OSError):
            self.bell.recv(4096)
        done = [future for future in self._opening if future.done()]
        self._opening = [future for future in self._opening if future not in done]
        return [_outcome(future) for future in done]

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for future in self._opening:
            future.add_done_callback(_discard)
        self._opening.clear()
        self.bell.close()
        self._string.close()

    def _ring(self, _: Future[socket.socket]) -> None:
        with contextlib.suppress(OSError):  # nobody waits any more, or it rings already
            self._string.send(b"!")


def _outcome(future: Future[socket.socket]) -> socket.socket | ProviderTrouble:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, ProviderTrouble):
        return error
    raise error


def _discard(future: Future[socket.socket]) -> None:
    if not future.cancelled() and future.exception() is None:
        future.result().close()
