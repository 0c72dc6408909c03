"""CompressedData with zlib (RFC 3274), as AS2 uses it (RFC 5402)."""

from __future__ import annotations

import zlib

from integrations.exceptions import As2Refused
from integrations.protocols.as2.ber import (
    OCTETS,
    SEQUENCE,
    BadBer,
    Ber,
    der,
    integer,
    oid,
    wrap,
)
from integrations.protocols.as2.stations import Limits

COMPRESSED = oid("1.2.840.113549.1.9.16.1.9")
DATA = oid("1.2.840.113549.1.7.1")
ZLIB = der(SEQUENCE, oid("1.2.840.113549.1.9.16.3.8"))
CODE = "decompression-failed"
STEP = 1024 * 1024


def compress(*pieces: bytes | memoryview) -> bytes:
    """A CMS message with the pieces in it."""
    packer = zlib.compressobj()
    packed = [packer.compress(piece) for piece in pieces]
    packed.append(packer.flush())
    content = wrap(SEQUENCE, [DATA, *wrap(0xA0, wrap(OCTETS, packed))])
    data = wrap(SEQUENCE, [integer(0), ZLIB, *content])
    return b"".join(wrap(SEQUENCE, [COMPRESSED, *wrap(0xA0, data)]))


def decompress(message: bytes | memoryview, limits: Limits) -> bytes:
    """Raises As2Refused."""
    try:
        packed = _packed(message)
    except BadBer as error:
        raise As2Refused("The compressed part cannot be read.", CODE) from error
    most = min(limits.plain, max(limits.free, limits.ratio * len(packed)))
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(packed, most + 1)
    except zlib.error as error:
        raise As2Refused("The compressed part is damaged.", CODE) from error
    if len(plain) > most:
        raise As2Refused("The compressed part grows too large: send it in smaller pieces.", CODE)
    if not unpacker.eof or unpacker.unused_data:
        raise As2Refused("The compressed part is damaged.", CODE)
    return plain


def _packed(message: bytes | memoryview) -> memoryview:
    reader = Ber(message)
    reader.enter(SEQUENCE)
    if reader.element(0x06) != COMPRESSED:
        raise BadBer("no compressed data")
    reader.enter(0xA0)
    reader.enter(SEQUENCE)
    reader.element(0x02)
    if ZLIB[2:] not in reader.element(SEQUENCE):
        raise BadBer("not zlib")
    reader.enter(SEQUENCE)
    if reader.element(0x06) != DATA:
        raise BadBer("no data inside")
    reader.enter(0xA0)
    return reader.content(OCTETS)
