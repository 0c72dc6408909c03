"""How long an SMS is on the wire (3GPP TS 23.038, 23.040)."""

from __future__ import annotations

from typing import NamedTuple

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = frozenset("^{}\\[~]|€\f")  # each takes two places


class SmsSize(NamedTuple):
    encoding: str
    length: int  # places taken: septets, or UTF-16 units
    parts: int


def measure(text: str) -> SmsSize:
    """The encoding, the length in it and the number of parts; an empty text has none."""
    if all(char in GSM_BASIC or char in GSM_EXTENDED for char in text):
        length = len(text) + sum(char in GSM_EXTENDED for char in text)
        return SmsSize("GSM-7", length, _parts(length, 160, 153))
    length = len(text.encode("utf-16-be", "replace")) // 2
    return SmsSize("Unicode", length, _parts(length, 70, 67))


def _parts(length: int, alone: int, joined: int) -> int:
    if length <= alone:
        return 1 if length else 0
    return -(-length // joined)
