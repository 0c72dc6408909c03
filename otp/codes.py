"""The codes themselves."""

from __future__ import annotations

import math
import secrets
import string

from otp.choices import CodeKind

# Without those that are taken for one another (0 O, 1 I L, 2 Z, 5 S, 8 B, U V), and without
# vowels, which would make words of them.
UNAMBIGUOUS = "34679CDFGHJKMNPQRTWXY"
ALPHABETS = {CodeKind.NUMERIC: string.digits, CodeKind.ALPHANUMERIC: UNAMBIGUOUS}
ENOUGH_BITS = 20  # NIST SP 800-63B, OWASP ASVS 6.5.4
LONGEST = 8


def generate(length: int, kind: str) -> str:
    """Each character is drawn by itself, all of them alike."""
    alphabet = ALPHABETS[CodeKind(kind)]
    return "".join(secrets.choice(alphabet) for _ in range(length))


def bits(length: int, kind: str) -> float:
    """How much there is to guess."""
    return length * math.log2(len(ALPHABETS[CodeKind(kind)]))


def canonical(text: str) -> str:
    """The code as it was made, from what a person typed: in capitals, without blanks and hyphens.

    Empty when it can be no code: full-width digits and the like are not taken for ours.
    """
    if not isinstance(text, str) or len(text) > 4 * LONGEST or not text.isascii():
        return ""
    bare = text.replace(" ", "").replace("-", "").upper()
    return bare if 0 < len(bare) <= LONGEST and bare.isalnum() else ""
