"""An HTTP/1.1 answer, read as it comes (RFC 9112): bounded, strict, never unpacked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ALLOWANCE = 1024 * 1024  # bytes one answer may have; the largest batch answers with 200 kB
STATUS_LINE = re.compile(r"HTTP/1\.([01]) ([1-9]\d\d)(?: (.*))?")
WITHOUT_BODY = (204, 304)


class BadAnswer(ConnectionError):
    """What came is no HTTP answer, or too long a one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` have lower-case names. A body that was cut off is not whole."""

    status: int
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_whole: bool = True

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Raises ValueError."""
        return json.loads(self.body)


class AnswerReader:
    """Fed with what the connection gives. Raises BadAnswer for what cannot be understood."""

    def __init__(self) -> None:
        self.is_done = False
        self.is_kept = False  # the connection may carry another call
        self.keeps_for: float | None = None  # seconds, when the server says so
        self._buffer = bytearray()
        self._taken = 0
        self._status = 0
        self._reason = ""
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._left = -1  # bytes of the body still to come; -1: until the connection ends
        self._is_chunked = False

    @property
    def has_status(self) -> bool:
        return self._status > 0

    @property
    def has_begun(self) -> bool:
        return self._taken > 0

    def feed(self, data: bytes) -> None:
        self._taken += len(data)
        if self._taken > ALLOWANCE:
            raise BadAnswer("the answer is longer than allowed")
        self._buffer += data
        while not self._status:
            if not self._read_head():
                return
        if self._is_chunked:
            self._read_chunks()
        else:
            self._read_plain()

    def answer(self) -> Answer:
        """What is known; only with `has_status`."""
        return Answer(self._status, self._reason, self._headers, bytes(self._body), self.is_done)

    def ended(self) -> None:
        """The server closed the connection: some bodies end so."""
        self.is_kept = False
        if self._status and self._left < 0 and not self._is_chunked:
            self.is_done = True

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        found = STATUS_LINE.fullmatch(lines[0])
        if found is None:
            raise BadAnswer("this is not an HTTP answer")
        status = int(found[2])
        if status < 200:  # "continue" and the like: the answer is still to come
            return True
        self._headers = _headers(lines[1:])
        self._status, self._reason = status, found[3] or ""
        self._plan_body(is_new=found[1] == "1")
        return True

    def _plan_body(self, *, is_new: bool) -> None:
        connection = self._headers.get("connection", "").lower()
        self.is_kept = "close" not in connection if is_new else "keep-alive" in connection
        found = re.search(r"timeout=(\d{1,6})", self._headers.get("keep-alive", ""))
        self.keeps_for = float(found[1]) if found else None
        if self._status in WITHOUT_BODY:
            self._left = 0
        elif "transfer-encoding" in self._headers:
            if self._headers["transfer-encoding"].lower() != "chunked":
                raise BadAnswer("the answer is packed in a way that was not asked for")
            self._is_chunked = True
        elif (length := self._headers.get("content-length")) is not None:
            if not (length.isascii() and length.isdigit()):
                raise BadAnswer("the answer has no clear length")
            self._left = int(length)

    def _read_plain(self) -> None:
        self._body += self._buffer
        if self._left >= 0:
            self._left -= len(self._buffer)
            self.is_done = self._left <= 0
            self.is_kept = self.is_kept and self._left == 0
        self._buffer.clear()

    def _read_chunks(self) -> None:
        while not self.is_done:
            end = self._buffer.find(b"\r\n")
            if end < 0:
                return
            size = _chunk_size(self._buffer[:end])
            if size == 0:
                self._read_trailer(end)
                return
            if len(self._buffer) < end + size + 4:
                return
            self._body += self._buffer[end + 2 : end + 2 + size]
            del self._buffer[: end + size + 4]

    def _read_trailer(self, end: int) -> None:
        """Fields after the last chunk are nobody's business here."""
        rest = self._buffer[end:]
        if rest.startswith(b"\r\n\r\n"):
            self.is_done = True
        elif rest.find(b"\r\n\r\n") >= 0:
            self.is_done, self.is_kept = True, False


def _headers(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in lines:
        if line[:1] in (" ", "\t"):  # folded, as old servers do
            found[name] = f"{found.get(name, '')} {line.strip()}".strip()
            continue
        name, _, value = line.partition(":")
        name, value = name.strip().lower(), value.strip()
        if name == "content-length" and found.get(name, value) != value:
            raise BadAnswer("the answer has two lengths")
        is_again = name in found and name != "content-length"
        found[name] = f"{found[name]}, {value}" if is_again else value
    return found


def _chunk_size(line: bytearray) -> int:
    text = line.split(b";")[0].strip()
    if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", text):
        raise BadAnswer("the answer is not in chunks as it says")
    return int(text, 16)
