"""One end for a whole exchange. Socket time-outs start anew with every byte; this does not."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterable
from typing import Any

ALLOWANCE = 1024 * 1024  # bytes one exchange may answer with
CONNECT_SECONDS = 10.0  # for one address of a host


class Clock:
    """When an exchange must be over, how much it may read, and what was written so far."""

    def __init__(self) -> None:
        self.start(0)

    def start(self, seconds: float, allowance: int = ALLOWANCE) -> None:
        self.ends = time.monotonic() + seconds
        self.allowance = allowance
        self.sent = 0  # bytes the system took from us
        self.torn = False  # the last write did not get through whole

    def remaining(self) -> float:
        """Seconds left. Raises TimeoutError when there are none."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time for it ran out")
        return left

    def spend(self, size: int) -> None:
        self.allowance -= size
        if self.allowance < 0:
            raise ConnectionError("the answer is longer than allowed")


class DeadlineSocket:
    """A socket whose every read and write ends with the clock. Own time-outs are ignored."""

    def __init__(self, sock: socket.socket, clock: Clock) -> None:
        self.sock = sock
        self.clock = clock

    def sendall(self, data: Any, flags: int = 0) -> None:
        view = memoryview(data)
        self.clock.torn = True
        while view:
            self.sock.settimeout(self.clock.remaining())
            size = self.sock.send(view[:65536])
            self.clock.sent += size
            view = view[size:]
        self.clock.torn = False

    def makefile(self, mode: str = "rb", *args: Any, **kwargs: Any) -> io.BufferedReader:
        return io.BufferedReader(DeadlineReader(self.sock, self.clock))

    def settimeout(self, value: float | None) -> None:
        """The clock decides."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sock, name)


class DeadlineReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, clock: Clock) -> None:
        self._sock = sock
        self._clock = clock
        self._raw = sock.makefile("rb", buffering=0)  # keeps the socket open while it is read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._clock.remaining())
        size = self._raw.readinto(buffer) or 0
        self._clock.spend(size)
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


def dial(host: str, port: int, clock: Clock) -> socket.socket:
    """A connected socket. Raises OSError when no address of the host answers in time."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return dial_one_of([(family, address) for family, _, _, _, address in found], clock)


def dial_one_of(addresses: Iterable[tuple[int, Any]], clock: Clock) -> socket.socket:
    """A socket that is connected to the first of (family, address) that answers. Raises OSError."""
    problem: OSError = ConnectionError("the host has no address")
    for family, address in addresses:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(min(clock.remaining(), CONNECT_SECONDS))
            sock.connect(address)
            sock.settimeout(clock.remaining())
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            problem = error
        else:
            return sock
    raise problem
