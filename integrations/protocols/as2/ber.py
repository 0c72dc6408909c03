"""ASN.1 as it comes: BER, read forward once, and DER as we write it (X.690).

A message of 64 MB is not copied on its way down to its content: only small structures are handed
to asn1crypto. Lengths may be indefinite and contents in pieces, as streaming senders do it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from asn1crypto import core

SEQUENCE, SET, OCTETS = 0x30, 0x31, 0x04
NOTHING = -1
MOST_ELEMENTS = 100_000  # 64 MB in pieces of 700 bytes; more is an attack
DEEPEST = 12
SMALL = 1024 * 1024


class BadBer(ValueError):
    """This is no ASN.1, or none that is worth reading."""


class Ber:
    """A reader of one encoded value. Everything raises BadBer."""

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self._data = memoryview(data)
        self._at = 0
        self._ends: list[int | None] = [len(self._data)]  # None: until two zero bytes
        self._count = 0

    def peek(self) -> int:
        """The tag of the next element of this container, NOTHING behind the last one."""
        end = self._ends[-1]
        if end is None:
            if self._data[self._at : self._at + 2] == b"\0\0":
                return NOTHING
        elif self._at >= end:
            return NOTHING
        return self._byte(self._at)

    def enter(self, tag: int) -> None:
        """Go into the next element, which must be a container with this tag."""
        length = self._head(tag)
        if len(self._ends) > DEEPEST:
            raise BadBer("nested too deeply")
        self._ends.append(None if length is None else self._at + length)

    def leave(self) -> None:
        """Out of the container, which must be at its end."""
        if self.peek() != NOTHING:
            raise BadBer("more elements than there should be")
        if self._ends.pop() is None:
            self._at += 2

    def element(self, tag: int) -> bytes:
        """The whole next element, header and all. A small one."""
        begin = self._at
        self._skip(tag)
        if self._at - begin > SMALL:
            raise BadBer("too large")
        return bytes(self._data[begin : self._at])

    def content(self, tag: int) -> memoryview:
        """The bytes of a string that is primitive or in pieces; `tag` is the primitive form."""
        if self.peek() == tag:
            length = self._head(tag)
            if length is None:
                raise BadBer("a primitive value without a length")
            begin, self._at = self._at, self._at + length
            return self._data[begin : self._at]
        self.enter(tag | 0x20)
        pieces = bytearray()
        while self.peek() != NOTHING:
            pieces += self.content(OCTETS) if self.peek() == OCTETS else self._unexpected()
        self.leave()
        return memoryview(pieces)

    def _unexpected(self) -> bytes:
        raise BadBer("pieces of another kind")

    def _skip(self, tag: int) -> None:
        length = self._head(tag)
        if length is not None:
            self._at += length
            return
        if len(self._ends) > DEEPEST:
            raise BadBer("nested too deeply")
        self._ends.append(None)
        while (inner := self.peek()) != NOTHING:
            self._skip(inner)
        self.leave()

    def _head(self, tag: int) -> int | None:
        """Behind tag and length; the length, None when indefinite."""
        self._count += 1
        if self._count > MOST_ELEMENTS:
            raise BadBer("too many elements")
        if self.peek() != tag or tag & 0x1F == 0x1F:
            raise BadBer("an element is not the one expected")
        first = self._byte(self._at + 1)
        self._at += 2
        if first == 0x80:
            if not tag & 0x20:
                raise BadBer("a primitive value without a length")
            return None
        return self._bounded(first if first < 0x80 else self._long(first & 0x7F))

    def _long(self, size: int) -> int:
        if size > 8:
            raise BadBer("a length of too many bytes")
        length = int.from_bytes(self._data[self._at : self._at + size], "big")
        self._at += size
        return length

    def _bounded(self, length: int) -> int:
        known = [end for end in self._ends if end is not None]
        if self._at + length > min(known):
            raise BadBer("an element is longer than what holds it")
        return length

    def _byte(self, at: int) -> int:
        if at >= len(self._data):
            raise BadBer("it ends too early")
        return self._data[at]


def head(tag: int, length: int) -> bytes:
    if length < 0x80:
        return bytes((tag, length))
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big")


Pieces = Sequence[bytes | memoryview]


def wrap(tag: int, pieces: Iterable[bytes | memoryview]) -> list[bytes | memoryview]:
    """One element around the pieces, without joining them."""
    inner = list(pieces)
    return [head(tag, sum(map(len, inner))), *inner]


def der(tag: int, *pieces: bytes) -> bytes:
    return b"".join(wrap(tag, pieces))


def oid(dotted: str) -> bytes:
    encoded: bytes = core.ObjectIdentifier(dotted).dump()
    return encoded


def integer(value: int) -> bytes:
    encoded: bytes = core.Integer(value).dump()
    return encoded
