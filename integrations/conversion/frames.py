"""What parent and child say to one another: a JSON head and bytes, with their lengths before."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

LENGTHS = struct.Struct(">IQ")
MAX_HEAD = 32 * 1024 * 1024
MAX_BODY = 128 * 1024 * 1024

Frame = tuple[dict[str, Any], bytes]


def packed(head: Mapping[str, Any], body: bytes = b"") -> bytes:
    text = json.dumps(head).encode()
    return LENGTHS.pack(len(text), len(body)) + text + body


def unpacked(read: Callable[[int], bytes]) -> Frame:
    """`read` gives just so many bytes. Raises ValueError for what is no frame."""
    head_length, body_length = LENGTHS.unpack(read(LENGTHS.size))
    if head_length > MAX_HEAD or body_length > MAX_BODY:
        raise ValueError("the frame is too long")
    head = json.loads(read(head_length))
    return head, read(body_length)


def parsed(data: bytes) -> Frame:
    """A frame that is there as a whole. Raises ValueError for a part of one."""
    at = 0

    def read(length: int) -> bytes:
        nonlocal at
        piece = data[at : at + length]
        if len(piece) < length:
            raise ValueError("the frame is cut off")
        at += length
        return piece

    return unpacked(read)
