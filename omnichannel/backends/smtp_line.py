"""One SMTP connection without waiting: what is to be written, and which reply comes next.

Where the server offers PIPELINING (RFC 2920), the next message's envelope goes out behind the
body of the one before: one round trip a message.
"""

from __future__ import annotations

import selectors
import smtplib
import socket
import ssl
import time
from collections import deque
from dataclasses import dataclass, field

from omnichannel.backends.base import OutgoingMessage
from omnichannel.backends.deadline import ALLOWANCE
from omnichannel.backends.smtp_session import SmtpSession

READ_SIZE = 65536
GOOD = {"mail": (250,), "rcpt": (250, 251, 252), "data": (354,)}
# With PIPELINING these decide nothing: the reply to DATA does.
SILENT = {stage: GOOD[stage] for stage in ("mail", "rcpt")}
NOTHING = b".\r\n"
TRIES = 3  # connections a message may see lost before its body


@dataclass(slots=True)
class Parcel:
    """A built message on its way to one recipient after the other, To first."""

    message: OutgoingMessage
    sender: str
    recipients: list[tuple[str, bool]]  # (address on the wire, whether it needs SMTPUTF8)
    data: bytes  # dot-stuffed, with its final dot
    ends: float  # time.monotonic()
    tries: int = 0
    refused: tuple[int, bytes, str] | None = None  # code, text, stage
    taken: tuple[int, bytes] | None = None  # the answer for To
    notes: list[str] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        return self.tries + 1 >= TRIES


@dataclass(slots=True)
class Reply:
    """One answer: to which parcel's which step."""

    parcel: Parcel
    stage: str  # rset, mail, rcpt, data, void, or answer
    code: int
    text: bytes


class Line:
    """A signed-in session, now spoken to by events. Raises OSError when it is lost."""

    def __init__(self, session: SmtpSession) -> None:
        self.session = session
        self.sock: socket.socket = session.wire.sock
        self.sock.setblocking(False)
        self._is_encrypted = isinstance(self.sock, ssl.SSLSocket)
        self.pipelines = session.has_extn("pipelining")
        self.has_utf8 = session.has_extn("smtputf8")
        self.messages = 0
        self.is_gone = False  # closed: nothing more is heard from it
        self.watched = selectors.EVENT_READ
        self.last_used = time.monotonic()
        self.unheard: deque[Reply] = deque()
        self.broken: OSError | None = None  # why nothing more will come
        self._out = bytearray()
        self._in = bytearray()
        self._text: list[bytes] = []
        self._awaited: deque[tuple[Parcel, str]] = deque()
        self._unread = ALLOWANCE
        self._is_dirty = False  # a transaction was left half-way: RSET first
        self._body_ends = 0  # bytes of `_out` until the final dot is out

    def fileno(self) -> int:
        return self.sock.fileno()

    @property
    def is_idle(self) -> bool:
        return not self._awaited and not self.unheard

    @property
    def is_mid_body(self) -> bool:
        return self._body_ends > 0

    def is_late(self, now: float) -> bool:
        """Something on it has not been answered in its time."""
        return not self.unheard and any(parcel.ends < now for parcel, _ in self.in_hand())

    @property
    def wants_write(self) -> bool:
        return bool(self._out)

    def in_hand(self) -> list[tuple[Parcel, str]]:
        """(parcel, stage) of each parcel on this line. The stage is that of its next reply;
        `body` while its final dot is not out.
        """
        found: dict[int, tuple[Parcel, str]] = {}
        for parcel, stage in self._awaited:
            stage = "body" if stage == "answer" and self._body_ends > 0 else stage
            found.setdefault(id(parcel), (parcel, stage))
        for reply in self.unheard:
            found.setdefault(id(reply.parcel), (reply.parcel, reply.stage))
        return list(found.values())

    def begin(self, parcel: Parcel) -> None:
        """Write the envelope for the parcel's next recipient."""
        parcel.refused = None
        if self._is_dirty:
            self._is_dirty = False
            self._say(parcel, "rset", b"RSET\r\n")
        self._say(parcel, "mail", self._command(parcel, "mail"))
        if self.pipelines:
            self._say(parcel, "rcpt", self._command(parcel, "rcpt"))
            self._say(parcel, "data", self._command(parcel, "data"))

    def take_back(self, reply: Reply) -> None:
        """The reply settles nothing: its parcel is still in hand."""
        self._awaited.appendleft((reply.parcel, reply.stage))

    def go_on(self, parcel: Parcel, stage: str) -> None:
        """Without PIPELINING: the step after `stage`."""
        following = {"mail": "rcpt", "rcpt": "data"}[stage]
        self._say(parcel, following, self._command(parcel, following))

    def body(self, parcel: Parcel) -> None:
        self._say(parcel, "answer", parcel.data)
        self._body_ends = len(self._out)
        self.messages += 1

    def void(self, parcel: Parcel) -> None:
        """The server wants a body for nobody."""
        self._say(parcel, "void", NOTHING)

    def leave(self) -> None:
        """The present transaction ends here, refused."""
        self._is_dirty = True

    def write(self) -> None:
        while self._out:
            try:
                sent = self.sock.send(self._out)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            del self._out[:sent]
            self._body_ends -= sent

    def read(self) -> None:
        """Add the replies that have come whole to `unheard`, even when the connection ended
        behind them.
        """
        try:
            self._receive()
        except OSError as error:
            self.broken = error
        try:
            self._hear()
        except OSError as error:
            self.broken = self.broken or error

    def _receive(self) -> None:
        is_more = True
        while is_more:
            try:
                data = self.sock.recv(READ_SIZE)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            if not data:
                raise smtplib.SMTPServerDisconnected("the server closed the connection")
            self._in += data
            self._unread -= len(data)
            if self._unread < 0:
                raise ConnectionError("the answer is longer than allowed")
            # Encrypted data that was read already does not wake the selector again.
            is_more = self._is_encrypted or len(data) == READ_SIZE

    def hang_up(self) -> None:
        """Say QUIT if it can be said at once; close either way."""
        try:
            if self.is_idle:
                self.sock.send(b"QUIT\r\n")
        except OSError:
            pass
        self.session.close()

    def _hear(self) -> None:
        """Add the replies that have come whole, up to the one that nobody asked for."""
        *lines, self._in = self._in.split(b"\n")
        for line in lines:
            code, is_last = _parse(line)
            self._text.append(bytes(line[4:]).rstrip(b"\r"))
            if is_last:
                reply = self._answer(code)
                if not (self.pipelines and code in SILENT.get(reply.stage, ())):
                    self.unheard.append(reply)

    def _answer(self, code: int) -> Reply:
        text = b"\n".join(self._text)
        self._text.clear()
        if not self._awaited:
            raise smtplib.SMTPResponseException(code, text)  # said without being asked
        parcel, stage = self._awaited.popleft()
        self._unread = ALLOWANCE
        self.last_used = time.monotonic()
        return Reply(parcel, stage, code, text)

    def _say(self, parcel: Parcel, stage: str, data: bytes) -> None:
        self._out += data
        self._awaited.append((parcel, stage))

    def _command(self, parcel: Parcel, stage: str) -> bytes:
        if stage == "rcpt":
            return f"RCPT TO:<{parcel.recipients[0][0]}>\r\n".encode()
        if stage == "data":
            return b"DATA\r\n"
        options = " SMTPUTF8 BODY=8BITMIME" if parcel.recipients[0][1] else ""
        if self.session.has_extn("size"):
            options += f" SIZE={len(parcel.data)}"
        return f"MAIL FROM:<{parcel.sender}>{options}\r\n".encode()


def _parse(line: bytearray) -> tuple[int, bool]:
    """(code, whether it is the last line of its reply)"""
    if not line[:3].isdigit():
        raise smtplib.SMTPResponseException(-1, bytes(line[:200]))
    return int(line[:3]), line[3:4] != b"-"
