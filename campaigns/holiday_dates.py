"""Holidays as people have them in a file or a mail: one a line."""

from __future__ import annotations

import csv
import datetime
from typing import NamedTuple

from omnichannel.exceptions import OmnichannelError

MAX_TEXT = 50_000  # characters
MAX_LINES = 500
MAX_NAME = 120
EVERY_YEAR = ("yearly", "every year")
DELIMITERS = ";\t,"


class InvalidDates(OmnichannelError):
    """A line cannot be read. The text says which one, and why."""


class Pasted(NamedTuple):
    date: datetime.date
    name: str
    is_yearly: bool


def read(text: str) -> list[Pasted]:
    """The dates of lines such as `2027-05-06; Founders' day; yearly`, each date once.

    Separators are semicolons, tabs or commas. Raises InvalidDates.
    """
    lines = [line.strip() for line in text.splitlines()]
    if sum(map(bool, lines)) > MAX_LINES:
        raise InvalidDates(f"Paste at most {MAX_LINES} lines at once.")
    found: dict[datetime.date, Pasted] = {}
    for number, line in enumerate(lines, start=1):
        if line:
            pasted = _line(line, number)
            found.setdefault(pasted.date, pasted)
    return list(found.values())


def _line(line: str, number: int) -> Pasted:
    mark = next((mark for mark in DELIMITERS if mark in line), ";")
    [cells] = csv.reader([line], delimiter=mark)
    date, name, *rest = [*map(str.strip, cells), ""]
    try:
        day = datetime.date.fromisoformat(date)
    except ValueError:
        raise InvalidDates(
            f"Line {number}: “{date[:40]}” is no date. Write it as 2027-05-06."
        ) from None
    if not name:
        raise InvalidDates(f"Line {number}: the name is missing. Write it after the date.")
    if len(name) > MAX_NAME:
        raise InvalidDates(f"Line {number}: the name has more than {MAX_NAME} characters.")
    words = [word.lower() for word in rest if word]
    if words and (len(words) > 1 or words[0] not in EVERY_YEAR):
        raise InvalidDates(f"Line {number}: after the name comes the word yearly, or nothing.")
    return Pasted(day, name, bool(words))
