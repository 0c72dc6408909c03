"""Text that a spreadsheet would run as a formula, made harmless on the way out and back.

A cell that begins with one of these characters is written with an apostrophe before it; reading
takes that apostrophe away, so what was exported imports as it was (OWASP ASVS 1.2.10).
"""

from __future__ import annotations

import re

_RUNS = "[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
_HARMFUL = re.compile(f"'*{_RUNS}")
_ESCAPED = re.compile(f"''*{_RUNS}")


def escape(text: str) -> str:
    return f"'{text}" if _HARMFUL.match(text) else text


def unescape(text: str) -> str:
    """The cell without spaces around it and without the apostrophe of `escape`."""
    text = text.strip()
    return text[1:] if text[:1] == "'" and _ESCAPED.match(text) else text
