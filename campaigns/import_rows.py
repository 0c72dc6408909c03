"""Makes a record of an audience out of a row of a file, or says what is wrong with the row."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from campaigns.import_mapping import Mapping
from campaigns.phone_numbers import e164
from omnichannel.addresses import clean_email
from omnichannel.exceptions import InvalidMessage
from omnichannel.formulas import unescape

MAX_KEY = 320


class NewMember(NamedTuple):
    """What a row says; `key` is in the form in which duplicates are compared."""

    key: str
    email: str
    phone: str
    variables: dict[str, str]


class Reject(Exception):
    """The row cannot be imported."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


def row_cleaner(mapping: Mapping, region: str, width: int) -> Callable[[list[str]], NewMember]:
    """A function from the fields of a row to a member. It raises Reject.

    `region`: the country of phone numbers written without +. `width`: fields of a good row.
    """
    email_at, phone_at, by = mapping.email, mapping.phone, mapping.key
    names, places = list(mapping.variables), list(mapping.variables.values())

    def clean(fields: list[str]) -> NewMember:
        if len(fields) != width:
            _check_width(fields, width)
        cells = [cell.strip() for cell in fields]
        if "'" in "".join(cells):
            cells = [unescape(cell) for cell in cells]
        email = phone = ""
        if email_at is not None and (text := cells[email_at].strip()):
            email = _address("email", text, clean_email)
        if phone_at is not None and (text := cells[phone_at].strip()):
            phone = _address("phone", text, e164, region)
        variables = dict(zip(names, [cells[place] for place in places], strict=True))
        key = email.lower() if by == "email" else phone if by == "phone" else variables[by]
        if not key:
            raise Reject(by, "It is empty, and duplicates are known by it.")
        if not email and not phone:
            raise Reject("email", "There is neither an e-mail address nor a phone number.")
        if len(key) > MAX_KEY:
            raise Reject(by, f"It is longer than {MAX_KEY} characters.")
        return NewMember(key, email, phone, variables)

    return clean


def _check_width(fields: list[str], width: int) -> None:
    extra = fields[width:]
    if len(fields) < width or any(cell.strip() for cell in extra):
        raise Reject("row", f"It has {len(fields)} fields; the first row has {width}.")


def _address(field: str, text: str, clean: Callable[..., str], *more: str) -> str:
    try:
        return clean(text, *more)
    except InvalidMessage as error:
        raise Reject(field, str(error)) from error
