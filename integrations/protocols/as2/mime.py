"""MIME entities in bytes: found by offsets, so that a large content is never copied."""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from urllib.parse import unquote

from integrations.exceptions import As2Refused

Buffer = bytes | bytearray
LONGEST_HEAD = 65_536
MOST_HEADERS = 200
MOST_PARTS = 5
BARE_LINE_END = re.compile(rb"(?<!\r)\n")
LONGEST_TEXT = 16 * 1024 * 1024  # whose line ends are mended
LONGEST_VALUE = 4096
EXTENDED_NAME = re.compile(r"filename\*\s*=\s*utf-8'[\w-]*'([^\s;\"]+)", re.I)
TRANSPARENT = ("", "7bit", "8bit", "binary")


@dataclass(frozen=True, slots=True)
class Entity:
    """Headers (lower-case names) and a content, which is `buffer[body:end]`.

    `start` is where its headers begin; in an entity whose headers came by HTTP it equals `body`.
    """

    headers: Mapping[str, str]
    buffer: Buffer
    start: int
    body: int
    end: int

    @property
    def raw(self) -> memoryview:
        return memoryview(self.buffer)[self.start : self.end]

    @property
    def content(self) -> memoryview:
        return memoryview(self.buffer)[self.body : self.end]

    @property
    def type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def encoding(self) -> str:
        return self.headers.get("content-transfer-encoding", "").strip().lower()

    def parameter(self, name: str) -> str:
        """Of the content type."""
        return parameter(self.headers.get("content-type", ""), name)

    def decoded(self) -> memoryview:
        """The content without its transfer encoding. Raises As2Refused."""
        if self.encoding in TRANSPARENT:
            return self.content
        try:
            if self.encoding == "base64":
                return memoryview(binascii.a2b_base64(self.content))
            if self.encoding == "quoted-printable":
                return memoryview(quopri.decodestring(self.content))
        except binascii.Error as error:
            raise bad("A part of the message is no base64.") from error
        raise bad("A part of the message has an unknown transfer encoding.")


def bad(text: str) -> As2Refused:
    return As2Refused(text, "unexpected-processing-error")


def parameter(value: str, name: str) -> str:
    """A parameter of a header such as Content-Type, unquoted; empty when it has none."""
    message = Message()
    message["content-type"] = _short(value)
    found = message.get_param(name, failobj="")
    if isinstance(found, tuple):  # RFC 2231: charset, language, value
        found = found[2]
    return str(found)


def file_name_of(headers: Mapping[str, str]) -> str:
    """As the sender wrote it: not to be trusted. Empty when there is none."""
    value = _short(headers.get("content-disposition", ""))
    if extended := EXTENDED_NAME.search(value):  # RFC 6266: it counts more than the plain one
        return unquote(extended[1])
    message = Message()
    message["content-disposition"] = value
    message["content-type"] = _short(headers.get("content-type", ""))
    try:
        return message.get_filename("") or ""
    except (LookupError, UnicodeError):  # a charset that nobody knows
        return ""


def _short(value: str) -> str:
    """Of a length that is parsed quickly."""
    return " ".join(value[:LONGEST_VALUE].split())


def from_http(headers: Mapping[str, str], body: Buffer) -> Entity:
    lower = {name.lower(): value for name, value in headers.items()}
    return Entity(lower, body, 0, 0, len(body))


def parse(buffer: Buffer, start: int = 0, end: int | None = None) -> Entity:
    """An entity with its own headers. Raises As2Refused."""
    end = len(buffer) if end is None else end
    body, head_end = _split_head(buffer, start, end)
    return Entity(_headers(bytes(buffer[start:head_end])), buffer, start, body, end)


def _split_head(buffer: Buffer, start: int, end: int) -> tuple[int, int]:
    """Where the content begins and where the headers end."""
    for blank in (b"\r\n", b"\n"):
        if buffer[start : start + len(blank)] == blank:
            return start + len(blank), start
    limit = min(end, start + LONGEST_HEAD)
    found = [
        (at, len(blank))
        for blank in (b"\r\n\r\n", b"\n\n")
        if (at := buffer.find(blank, start, limit)) >= 0
    ]
    if not found:
        raise bad("A part of the message has no end of its headers.")
    at, size = min(found)
    return at + size, at


def _headers(head: bytes) -> dict[str, str]:
    unfolded = re.sub(r"\r?\n[ \t]+", " ", head.decode("latin-1").removesuffix("\r"))
    lines = re.split(r"\r?\n", unfolded) if unfolded else []
    if len(lines) > MOST_HEADERS:
        raise bad("A part of the message has too many headers.")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        key = name.strip().lower()
        if not colon or not key:
            raise bad("A header of the message cannot be read.")
        if key in headers and key.startswith("content-"):
            raise bad("A header of the message is there twice.")
        headers[key] = value.strip()
    return headers


def parts(entity: Entity) -> list[Entity]:
    """Of a multipart entity; nothing but blank may follow them. Raises As2Refused.

    What follows is refused because a cipher block appended to a captured message would decrypt to
    it: whether it was taken would tell something about that block.
    """
    boundary = entity.parameter("boundary").encode("latin-1", "replace")
    if not 1 <= len(boundary) <= 200:
        raise bad("The message has several parts and no boundary between them.")
    line = rb"--" + re.escape(boundary) + rb"(--)?[ \t]*(?:\r?\n|\Z)"
    delimiter = _first_delimiter(entity, line)
    following = re.compile(rb"\n" + line)
    found: list[Entity] = []
    while not delimiter[1]:
        if len(found) >= MOST_PARTS:
            raise bad("The message has too many parts.")
        begin = delimiter.end()
        # An empty part: the line end before its boundary is that of the boundary before.
        delimiter = _found(following.search(entity.buffer, begin - 1, entity.end))
        end = delimiter.start()
        end -= end > begin and entity.buffer[end - 1] == 13
        found.append(parse(entity.buffer, begin, max(begin, end)))
    if bytes(entity.buffer[delimiter.end() : entity.end]).strip():
        raise bad("The message goes on behind its last part.")
    return found


def _first_delimiter(entity: Entity, line: bytes) -> re.Match[bytes]:
    """A short preamble for people may come before it."""
    at_once = re.compile(line).match(entity.buffer, entity.body, entity.end)
    limit = min(entity.end, entity.body + LONGEST_HEAD)
    return at_once or _found(re.compile(rb"\n" + line).search(entity.buffer, entity.body, limit))


def _found(delimiter: re.Match[bytes] | None) -> re.Match[bytes]:
    if delimiter is None:
        raise bad("The message ends in the middle of a part.")
    return delimiter


def canonical(entity: Entity) -> bytes | memoryview:
    """Headers and content with every line ending in CRLF, as text is signed (RFC 8551 3.1.1)."""
    size = entity.end - entity.start
    if entity.encoding == "binary" or size > LONGEST_TEXT:
        return entity.raw
    if not BARE_LINE_END.search(entity.buffer, entity.start, entity.end):
        return entity.raw
    return bytes(entity.raw).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def head(headers: Mapping[str, str]) -> bytes:
    """Header lines with the blank line that ends them."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{lines}\r\n".encode("ascii")
