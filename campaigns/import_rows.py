"""Makes a record of an audience out of a row of a file, or says what is wrong with the row."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from campaigns.formulas import unescape
from campaigns.import_mapping import Mapping
from campaigns.phone_numbers import e164
from omnichannel.addresses import clean_email
from omnichannel.exceptions import InvalidMessage

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
    columns = list(mapping.variables.items())

    def clean(fields: list[str]) -> NewMember:
        if len(fields) != width:
            _check_width(fields, width)
        email = ""
        if email_at is not None:
            email = _address("email", unescape(fields[email_at]), clean_email)
        phone = ""
        if phone_at is not None:
            phone = _address("phone", unescape(fields[phone_at]), lambda text: e164(text, region))
        variables = {name: unescape(fields[index]) for name, index in columns}
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


def _address(field: str, text: str, clean: Callable[[str], str]) -> str:
    text = text.strip()
    if not text:
        return ""
    try:
        return clean(text)
    except InvalidMessage as error:
        raise Reject(field, str(error)) from error
