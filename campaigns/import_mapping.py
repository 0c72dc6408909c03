"""Which column of a file is what: names for variables, a first guess, the checked choice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.text import slugify

from omnichannel.exceptions import ImportRefused

MAX_COLUMNS = 500
MAX_NAME = 60
NAME = re.compile(r"[a-z_][a-z0-9_]*")
# Words of the template language, and the names it keeps for other values.
SYNTAX = {"and", "block", "elif", "else", "extends", "false", "filter", "for", "from", "if"}
SYNTAX |= {"import", "in", "include", "is", "macro", "none", "not", "or", "raw", "set", "true"}
RESERVED = SYNTAX | {"event", "global", "loop", "system", "with"}
_EMAIL_CELL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE_CELL = re.compile(r"\+?[\d\s().-]{7,20}")
_EMAIL_HEADER = re.compile(r"(?:.*_)?e?_?mail(?:_address|_value)?")
_PHONE_HEADER = re.compile(r"phone|mobile|msisdn|gsm|cell|(?:^|_)tel(?:$|_)")


@dataclass(frozen=True)
class Mapping:
    """Columns by index (from 0). `key` is "email", "phone" or the name of a variable."""

    email: int | None
    phone: int | None
    variables: dict[str, int]
    key: str

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Mapping:
        return cls(
            data.get("email"), data.get("phone"), data.get("variables", {}), data.get("key", "")
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "email": self.email,
            "phone": self.phone,
            "variables": self.variables,
            "key": self.key,
        }

    def check(self) -> None:
        """Raises ImportRefused when no import is possible with it."""
        if self.email is None and self.phone is None:
            raise ImportRefused("Choose which column holds the e-mail address or the phone number.")
        if self.key not in self.keys():
            raise ImportRefused("Choose a column of this file to know duplicates by.")
        for name in self.variables:
            if not NAME.fullmatch(name) or len(name) > MAX_NAME:
                raise ImportRefused(
                    f"“{name}” cannot be a variable: use small letters, digits and _, up to "
                    f"{MAX_NAME}, not starting with a digit."
                )
            if name in RESERVED or name in ("email", "phone"):
                raise ImportRefused(f"“{name}” cannot be a variable: the name is taken.")

    def keys(self) -> list[str]:
        addresses = [name for name in ("email", "phone") if getattr(self, name) is not None]
        return [*addresses, *self.variables]


def variable_names(headers: Sequence[str]) -> tuple[list[str], list[str]]:
    """A usable name for every column, and a sentence for each header that had to change.

    Raises ImportRefused when there are too many columns.
    """
    if len(headers) > MAX_COLUMNS:
        raise ImportRefused(
            f"The file has {len(headers):,} columns; {MAX_COLUMNS} is the most that can be "
            "imported. Leave out columns, or check the delimiter."
        )
    names: list[str] = []
    notes = []
    for number, header in enumerate(headers, 1):
        name = _name(header, number)
        if name in names:
            name = _free(name, names)
            notes.append(f"Column {number} has the same header as another: it is called {name}.")
        elif not header.strip():
            notes.append(f"Column {number} has no header: it is called {name}.")
        names.append(name)
    return names, notes


def _name(header: str, number: int) -> str:
    name = slugify(header).replace("-", "_").strip("_")[: MAX_NAME - 6]
    if not name:
        return f"column_{number}"
    if name[0].isdigit():
        name = f"column_{name}"[: MAX_NAME - 6]
    return f"{name}_value" if name in RESERVED else name


def _free(name: str, taken: list[str]) -> str:
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def guess(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Mapping:
    """What the columns most likely are, by their names and then by what stands in them."""
    columns = range(len(names))
    email = next((i for i in columns if _EMAIL_HEADER.fullmatch(names[i])), None)
    if email is None:
        email = next((i for i in columns if _mostly(_EMAIL_CELL, rows, i)), None)
    phone = next((i for i in columns if _PHONE_HEADER.search(names[i])), None)
    variables = {
        name if name not in ("email", "phone") else f"{name}_value": i
        for i, name in enumerate(names)
        if i not in (email, phone)
    }
    key = "email" if email is not None else "phone" if phone is not None else ""
    return Mapping(email, phone, variables, key)


def _mostly(pattern: re.Pattern[str], rows: Sequence[Sequence[str]], column: int) -> bool:
    cells = [row[column].strip() for row in rows if column < len(row) and row[column].strip()]
    fitting = sum(bool(pattern.fullmatch(cell)) for cell in cells)
    return bool(cells) and fitting * 2 > len(cells)


def looks_like_header(first: Sequence[str]) -> bool:
    """A header has names: no addresses, no numbers."""
    filled = [cell.strip() for cell in first if cell.strip()]
    return bool(filled) and not any(
        _EMAIL_CELL.fullmatch(cell) or _PHONE_CELL.fullmatch(cell) or cell.isdigit()
        for cell in filled
    )
