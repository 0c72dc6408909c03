"""How long an SMS is on the wire (3GPP TS 23.038, 23.040). `static/studio/sms_counter.js` counts
the same while someone writes, from `table()`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = "^{}\\[~]|€\f"  # each takes two places: an escape and a letter
GSM_BASIC, GSM_EXTENDED = frozenset(BASIC), frozenset(EXTENDED)
GSM, UCS2 = "GSM-7", "UCS-2"
ROOM = {GSM: (160, 153), UCS2: (70, 67)}  # in a text of one part, and in each of several
MOST_NAMED = 10


class SmsSize(NamedTuple):
    """`units` are septets, or UTF-16 units; `left` is how many still fit into the last part."""

    encoding: str
    units: int
    parts: int
    left: int
    reasons: str = ""  # the first characters that GSM-7 does not have, each once

    @property
    def text(self) -> str:
        """For an operator: "GSM-7, 2 parts, 170 units, 136 left"."""
        parts = "1 part" if self.parts == 1 else f"{self.parts} parts"
        units = "1 unit" if self.units == 1 else f"{self.units:,} units"
        return f"{self.encoding}, {parts}, {units}, {self.left} left"


def measure(text: str) -> SmsSize:
    """An empty text has no part. No part ends inside a character that takes two units."""
    reasons = "".join(_reasons(text))
    if reasons:
        double = sum(char > "\uffff" for char in text)
    else:
        double = sum(char in GSM_EXTENDED for char in text)
    encoding = UCS2 if reasons else GSM
    alone, joined = ROOM[encoding]
    units = len(text) + double
    if units <= alone:
        return SmsSize(encoding, units, min(units, 1), alone - units, reasons)
    parts, used = _filled(text, joined, is_gsm=not reasons) if double else _even(units, joined)
    return SmsSize(encoding, units, parts, joined - used, reasons)


def table() -> dict[str, Any]:
    """What the script counts by."""
    return {"basic": BASIC, "extended": EXTENDED, "room": ROOM, "named": MOST_NAMED}


def _reasons(text: str) -> Iterator[str]:
    seen: set[str] = set()
    for char in text:
        if char in GSM_BASIC or char in GSM_EXTENDED or char in seen:
            continue
        seen.add(char)
        yield char
        if len(seen) == MOST_NAMED:
            return


def _even(units: int, room: int) -> tuple[int, int]:
    parts = -(-units // room)
    return parts, units - (parts - 1) * room


def _filled(text: str, room: int, *, is_gsm: bool) -> tuple[int, int]:
    """(parts, units in the last one)."""
    parts, used = 1, 0
    for char in text:
        takes = 2 if (char in GSM_EXTENDED if is_gsm else char > "\uffff") else 1
        if used + takes > room:
            parts, used = parts + 1, 0
        used += takes
    return parts, used
