"""A connection to another system's HTTP server: one total deadline, no redirect, no proxy."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from omnichannel.backends.deadline import Clock, dial_one_of
from omnichannel.backends.http_answer import Answer, AnswerReader
from omnichannel.backends.http_dial import encrypted
from omnichannel.backends.http_request import RequestHead
from omnichannel.backends.outside import AddressRefused, Resolver, addresses_of, check_url
from omnichannel.exceptions import OmnichannelError, ProviderTrouble

SECONDS = 10.0  # for a whole call
MOST = 65_536  # bytes of an answer that are read
PIECE = 16_384


class NoAnswer(OmnichannelError):
    """There was none. `code` is a short word for why."""

    def __init__(self, text: str, *, code: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Target:
    """A URL to post to. `allow_private`: it may be in our own network."""

    url: str
    allow_private: bool = False
    resolve: Resolver | None = None


class OutsideLine:
    """Posts to one target, over one connection while the server keeps it."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._sock: socket.socket | None = None

    def post(self, headers: Mapping[str, str], body: bytes, *, seconds: float = SECONDS) -> Answer:
        """Whatever it answers. Raises NoAnswer.

        A kept connection may have been closed meanwhile: then it is asked once more, anew.
        """
        clock = Clock()
        clock.start(seconds)
        if self._sock is not None:
            with contextlib.suppress(_Lost):
                return self._ask(headers, body, clock)
        try:
            return self._ask(headers, body, clock)
        except _Lost as error:
            raise NoAnswer(f"The connection broke: {error}", code="broken") from error

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _ask(self, headers: Mapping[str, str], body: bytes, clock: Clock) -> Answer:
        reader = AnswerReader()
        is_good = False
        try:
            sock = self._open(clock)
            _write(sock, self._request(headers, body), clock)
            _read(sock, reader, clock)
            is_good = reader.is_done and reader.is_kept
            return reader.answer()
        except TimeoutError as error:
            raise NoAnswer("No answer in time.", code="timeout") from error
        except OSError as error:
            if reader.has_begun:
                raise NoAnswer(f"The answer broke off: {error}", code="broken") from error
            raise _Lost(str(error)) from error
        finally:
            if not is_good:
                self.close()

    def _request(self, headers: Mapping[str, str], body: bytes) -> bytes:
        try:
            peer = check_url(self.target.url, allow_private=self.target.allow_private)
            return RequestHead(peer, "POST", self.target.url, headers).with_body(body)
        except (AddressRefused, ProviderTrouble) as error:
            raise NoAnswer(str(error), code="refused") from error

    def _open(self, clock: Clock) -> socket.socket:
        if self._sock is None:
            self._sock = connected(self.target, clock)
        return self._sock


def connected(target: Target, clock: Clock) -> socket.socket:
    """To one of the addresses that its name has now, all of them judged. Raises NoAnswer."""
    try:
        peer = check_url(target.url, allow_private=target.allow_private)
        found = addresses_of(peer, allow_private=target.allow_private, resolve=target.resolve)
        sock = dial_one_of(found, clock)
    except AddressRefused as error:
        raise NoAnswer(str(error), code="refused") from error
    except (OSError, UnicodeError) as error:
        raise NoAnswer(f"No connection: {why(error)}", code="connect") from error
    if peer.scheme != "https":
        return sock
    try:
        sock.setblocking(False)
        return encrypted(sock, peer, clock)
    except ssl.SSLError as error:
        text = f"No safe connection to {peer.name}: {error}"
        raise NoAnswer(text, code="tls") from error
    except (OSError, UnicodeError) as error:
        raise NoAnswer(f"No connection: {why(error)}", code="connect") from error


def why(error: Exception) -> str:
    """In words, without the system's number of the error."""
    return getattr(error, "strerror", None) or str(error)


class _Lost(Exception):
    """The connection ended before any answer came."""


def _write(sock: socket.socket, data: bytes, clock: Clock) -> None:
    view = memoryview(data)
    while view:
        sock.settimeout(clock.remaining())
        view = view[sock.send(view[:PIECE]) :]


def _read(sock: socket.socket, reader: AnswerReader, clock: Clock) -> None:
    """Until the answer is whole, or enough of it has come. Raises OSError."""
    left = MOST
    while not reader.is_done and left > 0:
        sock.settimeout(clock.remaining())
        data = sock.recv(min(PIECE, left))
        if not data:
            reader.ended()
            break
        left -= len(data)
        reader.feed(data)
    if not reader.has_status:
        raise ConnectionResetError("the connection was closed without an answer")
