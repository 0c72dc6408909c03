"""A fast SMTP server that throws everything away and counts: for benchmarks and fault tests.

    with SmtpSink(ledger=path) as sink:
        ... send to 127.0.0.1, sink.port ...
        sink.count(), sink.recipients()

It runs in a process of its own and needs nothing but the standard library, so that it starts at
once. The ledger gets a line "recipient message-id" before a message is answered: what the sender
was told is always in it. A slow sink keeps answers back: all by `delay` and up to `jitter` seconds,
those to messages so that no more than `rate` are answered in a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import smtplib
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from pathlib import Path
from types import TracebackType

GREETING = b"220 sink.example.com ESMTP\r\n"
HELLO = b"250-sink.example.com\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
OK = b"250 OK\r\n"
GO_ON = b"354 go on\r\n"
END = b"\r\n.\r\n"
CHANCE = random.SystemRandom()
CATCH_UP = 0.05  # seconds that a late answer may make up for: timers are coarse
MESSAGE_ID = re.compile(rb"^message-id:\s*(\S+)", re.IGNORECASE | re.MULTILINE)


class SmtpSink:
    """The sink as a context manager. Answers are as of the moment of the call."""

    def __init__(
        self,
        *,
        ledger: Path | None = None,
        delay: float = 0.0,
        jitter: float = 0.0,
        rate: float = 0.0,
    ) -> None:
        given = {"--ledger": ledger, "--jitter": jitter, "--rate": rate}
        more = [part for name, value in given.items() if value for part in (name, str(value))]
        self.arguments = ["--delay", str(delay), *more]
        self.port = 0

    def __enter__(self) -> SmtpSink:
        # The program is this very file. It ends with us, however that may be.
        command = [sys.executable, __file__, *self.arguments, "--end-with-stdin"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
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
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def count(self) -> int:
        """Messages taken: one for each recipient of each transaction."""
        return sum(self.recipients().values())

    def recipients(self) -> dict[str, int]:
        """How many messages each address has got."""
        with smtplib.SMTP("127.0.0.1", self.port, local_hostname="sink", timeout=30) as client:
            _, length = client.docmd("XTALLY")
            size = int(length)
            if client.file is None:
                return {}
            found: dict[str, int] = json.loads(client.file.read(size))
        return found


class Ledger:
    def __init__(self, path: str, delay: float = 0.0) -> None:
        self.tally: Counter[str] = Counter()
        self.delay = delay  # of the answers, where no Pace says more
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self.file = os.open(path, flags, 0o600) if path else -1

    def add(self, recipients: list[str], head: bytes) -> None:
        self.tally.update(recipients)
        if self.file >= 0:
            found = MESSAGE_ID.search(head)
            name = found.group(1).decode("utf-8", "replace") if found else "-"
            lines = "".join(f"{recipient} {name}\n" for recipient in recipients)
            os.write(self.file, lines.encode())


class Pace:
    """How long answers are kept back."""

    def __init__(self, delay: float = 0.0, jitter: float = 0.0, rate: float = 0.0) -> None:
        self.delay = delay
        self.jitter = jitter
        self.rate = rate
        self.free_at = time.monotonic()

    def wait(self, messages: int) -> float:
        """Seconds before an answer to so many messages goes out."""
        seconds = self.delay + CHANCE.random() * self.jitter
        if self.rate and messages:
            now = time.monotonic()
            self.free_at = max(self.free_at, now - CATCH_UP) + messages / self.rate
            seconds += max(0.0, self.free_at - now)
        return seconds


class Sink(asyncio.Protocol):
    def __init__(self, ledger: Ledger, pace: Pace) -> None:
        self.ledger = ledger
        self.pace = pace
        self.kept_back: deque[bytes] = deque()
        self.taken = 0  # messages of which the answer is being put together
        self.buffer = bytearray()
        self.recipients: list[str] = []
        self.in_data = False
        self.searched = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self.transport = transport
            transport.write(GREETING)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        answers = bytearray()
        while self._step(answers):
            pass
        if answers:
            self._answer(bytes(answers))

    def _answer(self, answers: bytes) -> None:
        wait, self.taken = self.pace.wait(self.taken), 0
        if not wait and not self.kept_back:
            self.transport.write(answers)
            return
        self.kept_back.append(answers)
        asyncio.get_running_loop().call_later(wait, self._release)

    def _release(self) -> None:
        """The oldest answer: they never overtake one another."""
        answers = self.kept_back.popleft()
        if not self.transport.is_closing():
            self.transport.write(answers)

    def _step(self, answers: bytearray) -> bool:
        """Take one command or one message from the buffer; False when there is none whole."""
        if self.in_data:
            return self._message(answers)
        end = self.buffer.find(b"\r\n")
        if end < 0:
            return False
        line = bytes(self.buffer[:end])
        del self.buffer[: end + 2]
        answers += self._command(line[:4].upper(), line)
        return True

    def _message(self, answers: bytearray) -> bool:
        if self.buffer.startswith(b".\r\n"):
            end, size = 0, 3
        else:
            end, size = self.buffer.find(END, max(self.searched - len(END), 0)), len(END)
        if end < 0:
            self.searched = len(self.buffer)
            return False
        self.ledger.add(self.recipients, bytes(self.buffer[:2000]))
        del self.buffer[: end + size]
        self.recipients, self.in_data, self.searched = [], False, 0
        self.taken += 1
        answers += OK
        return True

    def _command(self, verb: bytes, line: bytes) -> bytes:
        if verb == b"MAIL" or verb == b"RSET":
            self.recipients = []
            return OK
        if verb == b"RCPT":
            address = line.partition(b"<")[2].partition(b">")[0]
            self.recipients.append(address.decode("utf-8", "replace"))
            return OK
        if verb == b"DATA":
            self.in_data = bool(self.recipients)
            return GO_ON if self.in_data else b"503 no recipient\r\n"
        if verb in (b"EHLO", b"HELO"):
            return HELLO
        if verb == b"QUIT":
            asyncio.get_running_loop().call_soon(self.transport.close)
            return b"221 bye\r\n"
        if verb == b"XTAL":
            found = json.dumps(self.ledger.tally).encode()
            return f"250 {len(found)}\r\n".encode() + found
        return OK if verb == b"NOOP" else b"502 what?\r\n"


async def serve(ledger: Ledger, pace: Pace | None = None) -> None:
    loop = asyncio.get_running_loop()
    pace = pace or Pace(ledger.delay)
    server = await loop.create_server(lambda: Sink(ledger, pace), "127.0.0.1", 0, backlog=512)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def _end_with_stdin() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ledger", default="")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--jitter", type=float, default=0.0, help="at most so much more, at random")
    parser.add_argument("--rate", type=float, default=0.0, help="messages per second; 0: no limit")
    parser.add_argument("--end-with-stdin", action="store_true")
    given = parser.parse_args()
    if given.end_with_stdin:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    asyncio.run(serve(Ledger(given.ledger), Pace(given.delay, given.jitter, given.rate)))


if __name__ == "__main__":
    main()
