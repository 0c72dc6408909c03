"""A TCP proxy on loopback that spoils what goes through it.

with FaultProxy(server.port, cut_down=40, how=RESET) as proxy:
    ... connect to proxy.port ...
with unanswering() as port:
    ... nobody completes a connection to it ...
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator

FIN, RESET, SILENCE = "fin", "reset", "silence"
LINGER_NOT = b"\1\0\0\0\0\0\0\0"


class FaultProxy:
    """`cut_up` and `cut_down` end every connection after so many bytes to or from the server, in
    the way `how`: properly, by a reset, or by silence with both sockets open (half-open). `delay`
    is waited before each piece is passed on, in seconds; `drip` passes pieces of so many bytes.
    """

    def __init__(
        self,
        port: int,
        *,
        delay: float = 0.0,
        drip: int = 0,
        cut_up: int | None = None,
        cut_down: int | None = None,
        how: str = FIN,
    ) -> None:
        self.target = port
        self.delay = delay
        self.drip = drip
        self.cuts = (cut_up, cut_down)
        self.how = how
        self.connections = 0
        self.stopping = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self) -> FaultProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def heal(self) -> None:
        """New connections go through unspoilt."""
        self.delay, self.drip, self.cuts = 0.0, 0, (None, None)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self.connections += 1
                server = socket.create_connection(("127.0.0.1", self.target))
                for pair, cut in zip(((client, server), (server, client)), self.cuts, strict=True):
                    threading.Thread(target=self._pump, args=(*pair, cut), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, cut: int | None) -> None:
        passed = 0
        with contextlib.suppress(OSError, ValueError):  # the other direction closed both
            while data := self._receive(source):
                for piece in self._pieces(data):
                    if cut is not None and passed + len(piece) >= cut:
                        sink.sendall(piece[: cut - passed])
                        self._end(source, sink)
                        return
                    self.stopping.wait(self.delay)
                    sink.sendall(piece)
                    passed += len(piece)
            sink.shutdown(socket.SHUT_WR)

    def _receive(self, source: socket.socket) -> bytes:
        """Never blocked for long: a socket that somebody reads from cannot be reset."""
        while not select.select([source], [], [], 0.05)[0]:
            if self.stopping.is_set():
                return b""
        return source.recv(65536)

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        size = self.drip or len(data)
        return (data[start : start + size] for start in range(0, len(data), size))

    def _end(self, *sockets: socket.socket) -> None:
        if self.how == SILENCE:
            self.stopping.wait(60)
        for sock in sockets:
            if self.how == RESET:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
            else:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for sock in sockets:
            sock.close()


@contextlib.contextmanager
def unanswering() -> Iterator[int]:
    """A port whose queue is full: the kernel drops what wants to connect to it."""
    with contextlib.ExitStack() as opened:
        listener = opened.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def refusing() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
