"""A fast HTTP server that takes SendGrid's calls, throws them away and counts their recipients.

    with HttpSink(delay=0.02) as sink:
        ... POST to sink.url + "/v3/mail/send" ...
        sink.count(), sink.recipients()

It runs in a process of its own and needs nothing but the standard library, so that it starts at
once. A recipient is counted before the call is answered.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import re
import subprocess
import sys
from collections import Counter
from types import TracebackType

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: sink\r\nContent-Length: 0\r\n\r\n"
REFUSED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


class HttpSink:
    """The sink as a context manager. Answers are as of the moment of the call."""

    def __init__(self, *, delay: float = 0.0) -> None:
        self.delay = delay
        self.port = 0

    def __enter__(self) -> HttpSink:
        self._process = subprocess.Popen(  # the program is this very file
            [sys.executable, __file__, "--delay", str(self.delay)], stdout=subprocess.PIPE
        )
        if self._process.stdout is not None:
            self.port = int(self._process.stdout.readline())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(5)
        if self._process.stdout is not None:
            self._process.stdout.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def count(self) -> int:
        """Messages taken: one for each recipient of each call."""
        return sum(self.recipients().values())

    def recipients(self) -> dict[str, int]:
        """How many messages each address has got."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", "/tally")
        found: dict[str, int] = json.loads(connection.getresponse().read())
        connection.close()
        return found


class Sink(asyncio.Protocol):
    def __init__(self, tally: Counter[str], delay: float) -> None:
        self.tally = tally
        self.delay = delay
        self.buffer = bytearray()
        self.needed = 0  # bytes of a request that is not whole yet

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while len(self.buffer) >= self.needed and self._step():
            pass

    def _step(self) -> bool:
        """Answer one request of the buffer; False when there is none whole."""
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        length = LENGTH.search(self.buffer, 0, end + 2)
        whole = end + 4 + (int(length[1]) if length else 0)
        if len(self.buffer) < whole:
            self.needed = whole
            return False
        answer = self._answer(bytes(self.buffer[: end + 4]), self.buffer[end + 4 : whole])
        del self.buffer[:whole]
        self.needed = 0
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, self.transport.write, answer)
        else:
            self.transport.write(answer)
        return True

    def _answer(self, head: bytes, body: bytearray) -> bytes:
        if head.startswith(b"GET /tally "):
            found = json.dumps(self.tally).encode()
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(found) + found
        try:
            people = [item["to"][0]["email"] for item in json.loads(body)["personalizations"]]
        except (ValueError, KeyError, TypeError, LookupError):
            return REFUSED
        self.tally.update(people)
        return ACCEPTED


async def serve(delay: float) -> None:
    tally: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Sink(tally, delay), "127.0.0.1", 0, backlog=512)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    asyncio.run(serve(parser.parse_args().delay))


if __name__ == "__main__":
    main()
