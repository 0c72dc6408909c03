"""One kept connection and the call that is on it."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from omnichannel.backends.base import Result
from omnichannel.backends.http_answer import Answer, AnswerReader
from omnichannel.exceptions import SendError

PIECE = 65_536
KEEP_SECONDS = 4.0  # many servers close after five
NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


@dataclass(slots=True, eq=False)
class Call:
    """A request and who is told what came of it.

    `settle` is given the answer, or the error when there is none, and yields a result for each
    message or a further call. It raises ProviderTrouble when the messages are known to be unsent.
    """

    request: bytes
    ends: float  # time.monotonic()
    settle: Callable[[Answer | SendError], Iterable[Result | Call]]
    tries: int = 0


class Line:
    """A connection that never blocks. Raises OSError when it is lost."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.call: Call | None = None
        self.reader = AnswerReader()
        self.written = 0
        self.idle_until = time.monotonic() + KEEP_SECONDS

    def fileno(self) -> int:
        return self.sock.fileno()

    @property
    def is_written(self) -> bool:
        return self.call is None or self.written == len(self.call.request)

    def begin(self, call: Call) -> None:
        self.call = call
        self.reader = AnswerReader()
        self.written = 0

    def is_open(self) -> bool:
        """Nothing may come while nothing is asked: what does says that it was closed."""
        try:
            self.sock.recv(1)
        except NOT_NOW:
            return True
        except OSError:
            return False
        return False

    def write(self) -> None:
        """As much as goes now."""
        if self.call is None:
            return
        view = memoryview(self.call.request)
        while self.written < len(view):
            try:
                self.written += self.sock.send(view[self.written : self.written + PIECE])
            except NOT_NOW:
                return

    def read(self) -> bool:
        """Hear what has come; True when the answer is whole. Raises OSError, also at the end."""
        while not self.reader.is_done:
            try:
                data = self.sock.recv(PIECE)
            except NOT_NOW:
                return False
            if data:
                self.reader.feed(data)
                continue
            self.reader.ended()
            if not self.reader.is_done:
                raise ConnectionResetError("the connection was closed")
        return True

    def rest(self) -> bool:
        """The call is done; True when the connection can carry another."""
        is_good = self.is_written and self.reader.is_kept
        self.call = None
        keeps = self.reader.keeps_for
        seconds = KEEP_SECONDS if keeps is None else min(keeps / 2, 4 * KEEP_SECONDS)
        self.idle_until = time.monotonic() + seconds
        return is_good

    def close(self) -> None:
        self.sock.close()
