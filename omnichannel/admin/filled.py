"""The fields of a read-only page that hold something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_NOTHING: tuple[Any, ...] = (None, "", {}, [])


def filled(fieldsets: Any, value: Callable[[str], Any]) -> list[tuple[Any, dict[str, Any]]]:
    """The fieldsets without empty fields, and without what has none left.

    `value` answers the value of a field by its name. Zero and False are values.
    """
    found = []
    for title, options in fieldsets:
        lines = [_line(line, value) for line in options["fields"]]
        if any(lines):
            found.append((title, {**options, "fields": [line for line in lines if line]}))
    return found


def _line(line: str | tuple[str, ...], value: Callable[[str], Any]) -> tuple[str, ...]:
    names = (line,) if isinstance(line, str) else line
    return tuple(name for name in names if value(name) not in _NOTHING)
