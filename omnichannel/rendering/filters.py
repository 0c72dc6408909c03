"""The filters and tests a template may use. Each bounds what it answers."""

from __future__ import annotations

import datetime
import re
import threading
import time
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, Undefined, pass_environment
from markupsafe import Markup, escape

MAX_VALUE = 50_000  # characters that a filter takes or answers
RUN_SECONDS = 2.0  # processor time of one rendered part
# glibc takes a width after the %, and "%999999999d" would fill the memory.
DATE_FORMAT = re.compile(r"(?:[^%]|%-?[a-zA-Z%]){0,60}\Z")


class Clock(threading.local):
    """How much processor time the rendering of this thread may still take."""

    ends = float("inf")

    def start(self) -> None:
        self.ends = time.thread_time() + RUN_SECONDS

    def check(self) -> None:
        if time.thread_time() > self.ends:
            raise ValueError("it takes too long to fill in")


clock = Clock()


def text(value: Any) -> str:
    clock.check()
    return "" if value is None else bounded(str(value))


def bounded(value: str) -> str:
    check_length(len(value))
    return value


def check_length(length: int) -> None:
    if length > MAX_VALUE:
        raise ValueError(f"a value is longer than {MAX_VALUE:,} characters")


def default(value: Any, fallback: Any = "") -> Any:
    """The fallback for a value that is unknown, empty or none: a CSV cell is often empty."""
    return fallback if isinstance(value, Undefined) or value is None or value == "" else value


def replace(value: Any, old: Any, new: Any) -> str:
    source, old, new = text(value), text(old), text(new)
    count = source.count(old) if old else 0
    check_length(len(source) + count * max(0, len(new) - len(old)))
    return source.replace(old, new) if old else source


def join(value: Any, separator: Any = ", ") -> str:
    pieces = [text(item) for item in value]
    check_length(sum(map(len, pieces)) + len(pieces) * len(text(separator)))
    return text(separator).join(pieces)


def truncate(value: Any, length: int = 255, end: str = "...") -> str:
    """At most `length` characters, cut between words where that is possible."""
    source = text(value)
    if len(source) <= length:
        return source
    kept = source[: max(0, length - len(end))]
    return (kept.rsplit(" ", 1)[0] if " " in kept else kept) + end


def number(value: Any, decimals: int = 0) -> str:
    """1234.5 -> "1,234.50" with two decimals (0 to 10)."""
    if not 0 <= decimals <= 10:
        raise ValueError("number takes 0 to 10 decimals")
    return bounded(f"{_decimal(value):,.{decimals}f}")


def rounded(value: Any, decimals: int = 0) -> float | int:
    if not 0 <= decimals <= 10:
        raise ValueError("round takes 0 to 10 decimals")
    result = round(float(_decimal(value)), decimals)
    return result if decimals else int(result)


def _decimal(value: Any) -> Decimal:
    try:
        result = Decimal(text(value).strip()[:100])
    except InvalidOperation as error:
        raise ValueError(f'"{text(value)[:40]}" is not a number') from error
    if not result.is_finite() or abs(result.adjusted()) > 30:
        raise ValueError("a number is too large")
    return result


def integer(value: Any, fallback: int = 0) -> int:
    try:
        return int(_decimal(value))
    except ValueError:
        return fallback


def decimal(value: Any, fallback: float = 0.0) -> float:
    try:
        return float(_decimal(value))
    except ValueError:
        return fallback


def date(value: Any, pattern: str = "%d %B %Y") -> str:
    """An ISO date or moment ("2026-03-02") in strftime's words."""
    if not DATE_FORMAT.match(pattern):
        raise ValueError("a date pattern has letters after %, such as %d.%m.%Y")
    moment = value
    if not isinstance(value, datetime.date):
        try:
            moment = datetime.datetime.fromisoformat(text(value).strip())
        except ValueError as error:
            raise ValueError(f'"{text(value)[:40]}" is not a date such as 2026-03-02') from error
    return bounded(moment.strftime(pattern))


@pass_environment
def nl2br(environment: Environment, value: Any) -> str:
    """Line ends as <br> in HTML; text stays as it is."""
    if not environment.autoescape:
        return text(value)
    return Markup("<br>\n").join(escape(text(value)).splitlines())


def is_even(value: Any) -> bool:
    # Not with % on what it is given: for text that means formatting, with any width.
    return int(_decimal(value)) % 2 == 0


def first(value: Any) -> Any:
    return value[0] if value else ""


def last(value: Any) -> Any:
    return value[-1] if value else ""


FILTERS: dict[str, Callable[..., Any]] = {
    "abs": lambda value: abs(_decimal(value)),
    "capitalize": lambda value: text(value).capitalize(),
    "count": len,
    "date": date,
    "default": default,
    "d": default,
    "e": escape,
    "escape": escape,
    "first": first,
    "float": decimal,
    "int": integer,
    "join": join,
    "last": last,
    "length": len,
    "lower": lambda value: text(value).lower(),
    "nl2br": nl2br,
    "number": number,
    "replace": replace,
    "round": rounded,
    "string": text,
    "title": lambda value: text(value).title(),
    "trim": lambda value: text(value).strip(),
    "truncate": truncate,
    "upper": lambda value: text(value).upper(),
    "urlencode": lambda value: bounded(quote(text(value), safe="")),
}

TESTS: dict[str, Callable[..., bool]] = {
    "defined": lambda value: not isinstance(value, Undefined),
    "undefined": lambda value: isinstance(value, Undefined),
    "none": lambda value: value is None,
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "even": is_even,
    "odd": lambda value: not is_even(value),
}
