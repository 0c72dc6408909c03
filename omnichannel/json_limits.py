"""JSON from outside, bounded before anything else is done with it.

What passes is stored alike on every database, in which no text has a NUL and no number is infinite.
`trouble` looks at each part of a value; `unstorable` and `too_deep` are for much at once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MAX_DEPTH = 20  # levels of lists and objects
MAX_NODES = 2_000
MAX_NUMBER = 2**63


def trouble(value: Any, most: int) -> str:
    """Why `value` cannot be stored or is too much; empty when it is well.

    `most` is its greatest length as text.
    """
    for count, (part, depth) in enumerate(_walk(value)):
        if count > MAX_NODES or depth > MAX_DEPTH:
            return f"It is too large: {MAX_NODES:,} values, {MAX_DEPTH} levels deep at most."
        said = _of_part(part)
        if said:
            return said
    if len(json.dumps(value, ensure_ascii=False)) > most:
        return f"It is longer than {most:,} characters."
    return ""


def unstorable(value: Any) -> str:
    """Why a database would not take this JSON value; empty when it would."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError):  # UnicodeEncodeError is a ValueError
        return "It has a number, a character or a depth that cannot be stored."
    if "\\u0000" in text and _has_nul(value):
        return "It contains a NUL character."
    return ""


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, Mapping):
        return any(_has_nul(part) for pair in value.items() for part in pair)
    return isinstance(value, Sequence) and any(map(_has_nul, value))


def too_deep(value: Any, allowed: int = MAX_DEPTH) -> bool:
    if not isinstance(value, dict | list):
        return False
    if not allowed:
        return True
    parts = value.values() if isinstance(value, dict) else value
    return any(too_deep(part, allowed - 1) for part in parts)


def _walk(value: Any) -> Iterator[tuple[Any, int]]:
    """Every value and every key, without recursion."""
    waiting = [(value, 0)]
    while waiting:
        part, depth = waiting.pop()
        yield part, depth
        if isinstance(part, dict):
            waiting.extend((each, depth + 1) for pair in part.items() for each in pair)
        elif isinstance(part, list | tuple):
            waiting.extend((each, depth + 1) for each in part)


def _of_part(part: Any) -> str:
    if isinstance(part, str):
        is_storable = "\0" not in part and not any("\ud800" <= char <= "\udfff" for char in part)
        return "" if is_storable else "A text has a character that cannot be stored."
    if isinstance(part, float) and not math.isfinite(part):
        return "A number is not finite."
    if isinstance(part, int | float) and abs(part) > MAX_NUMBER:
        return "A number is too large: write it as a text."
    if part is not None and not isinstance(part, bool | int | float | dict | list | tuple):
        return "It is not JSON."
    return ""
