"""A mail taken apart: its headers and its parts, with a bound for everything.

Written by hand because the standard library's parser follows any nesting and keeps all of it.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

LARGEST = 262_144  # bytes of a mail that are looked at
LARGEST_HEAD = 65_536
LARGEST_TEXT = 65_536
LONGEST_VALUE = 2_000
MOST_HEADERS = 300
MOST_PARTS = 40
DEEPEST = 4

NAME = re.compile(r"([!-9;-~]{1,100})[ \t]*:")
PARAMETER = r"""(?:^|[;\s]){}\s*=\s*(?:"([^"]{{1,200}})"|([^\s;"]{{1,200}}))"""
BOUNDARY = re.compile(PARAMETER.format("boundary"), re.IGNORECASE)
HEAD_END = re.compile(rb"\r?\n[ \t]*\r?\n")
RETURNED = frozenset({"message/rfc822", "text/rfc822-headers", "message/global"}) | {
    "message/global-headers",
    "text/rfc822-header",
}

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """The mail itself, or one of its parts."""

    headers: Headers
    body: bytes

    @property
    def kind(self) -> str:
        """Its content type in lower case."""
        return self.first("content-type").partition(";")[0].strip().lower() or "text/plain"

    def first(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    def every(self, *names: str) -> list[str]:
        return [value for key, value in self.headers if key in names]

    def text(self) -> str:
        """Its content as text: what is not UTF-8 is replaced, what is too long is cut."""
        data = _decoded(self.body[:LARGEST_TEXT], self.first("content-transfer-encoding"))
        return data.decode("utf-8", "replace").replace("\0", "").replace("\r\n", "\n")

    def returned(self) -> Headers:
        """The headers of a message that this part carries."""
        return headers_of(self.text())


def parts_of(raw: bytes) -> list[Part]:
    """The mail first, then its parts in order. A message in it is not taken apart."""
    found: list[Part] = []
    waiting = [(raw[:LARGEST], 0)]
    while waiting and len(found) < MOST_PARTS:
        data, depth = waiting.pop()
        part = _part(data)
        found.append(part)
        if depth < DEEPEST and part.kind.startswith("multipart/"):
            waiting += [(piece, depth + 1) for piece in reversed(list(_pieces(part)))]
    return found


def headers_of(text: str) -> Headers:
    """(name in lower case, unfolded value) of each header at the beginning of a text."""
    found: list[tuple[str, str]] = []
    for line in text[:LARGEST_HEAD].splitlines():
        if line[:1] in (" ", "\t") and found:
            name, value = found[-1]
            if len(value) < LONGEST_VALUE:
                found[-1] = (name, f"{value} {line.strip()}"[:LONGEST_VALUE])
            continue
        if not line.strip() or len(found) >= MOST_HEADERS:
            break
        if named := NAME.match(line):
            value = line[named.end() :].strip().replace("\0", "")
            found.append((named[1].lower(), value[:LONGEST_VALUE]))
    return tuple(found)


def parameter(value: str, name: str) -> str:
    """A parameter of a header such as Content-Type, in lower case."""
    found = re.search(PARAMETER.format(re.escape(name)), value, re.IGNORECASE)
    return (found[1] or found[2]).lower() if found else ""


def _part(data: bytes) -> Part:
    if data[:1] in (b"\n", b"\r"):  # no headers at all
        return Part((), data.lstrip(b"\r\n"))
    end = HEAD_END.search(data, 0, LARGEST_HEAD)
    if end is None:
        return Part(headers_of(data[:LARGEST_HEAD].decode("utf-8", "replace")), b"")
    return Part(headers_of(data[: end.start()].decode("utf-8", "replace")), data[end.end() :])


def _pieces(part: Part) -> Iterator[bytes]:
    """What stands between the boundaries; the last one may lack its end."""
    named = BOUNDARY.search(part.first("content-type"))
    if named is None:
        return
    mark = re.escape((named[1] or named[2]).encode("utf-8", "replace"))
    line = re.compile(rb"(?:^|\n)--" + mark + rb"(--)?[ \t]*\r?(?=\n|$)")
    start = -1
    for number, found in enumerate(line.finditer(part.body)):
        if start >= 0:
            yield part.body[start : found.start()].removesuffix(b"\r")
        start = found.end() + 1
        if found[1] or number >= MOST_PARTS:
            return
    if start >= 0:
        yield part.body[start:]


def _decoded(data: bytes, encoding: str) -> bytes:
    encoding = encoding.strip().lower()
    try:
        if encoding == "base64":
            return binascii.a2b_base64(data[: len(data) // 4 * 4])
        if encoding == "quoted-printable":
            return binascii.a2b_qp(data)
    except binascii.Error:
        return data
    return data
