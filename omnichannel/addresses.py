"""Addresses as people type them, made into the form that is stored and compared."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from omnichannel.choices import ChannelType
from omnichannel.exceptions import InvalidMessage

# What nearly every address looks like; anything else goes to the full parser.
_PLAIN = re.compile(
    r"[a-z0-9_+'-]+(?:\.[a-z0-9_+'-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
    re.IGNORECASE,
)
MAX_PUSH_TOKEN = 320


def split_addresses(text: str) -> list[str]:
    """The addresses of a semicolon separated list, in order, blanks left out."""
    return [part.strip() for part in text.split(";") if part.strip()]


def clean_email(text: str) -> str:
    """The address with its domain in lower case. Raises InvalidMessage."""
    text = text.strip()
    if len(text) <= 254 and _PLAIN.fullmatch(text) and text.index("@") <= 64:
        local, _, domain = text.rpartition("@")
        return f"{local}@{domain.lower()}"
    try:
        checked = validate_email(text, check_deliverability=False, strict=True)
    except EmailNotValidError as error:
        raise InvalidMessage(f"“{text[:80]}” is not an e-mail address: {error}") from error
    return checked.normalized


@lru_cache(maxsize=10_000)
def clean_phone(text: str, region: str = "") -> str:
    """The number in E.164, such as +12025550143. Raises InvalidMessage."""
    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException as error:
        raise InvalidMessage(
            f"“{text[:40]}” is not a phone number: write it with + and the country code."
        ) from error
    if not phonenumbers.is_possible_number(number):
        raise InvalidMessage(f"“{text[:40]}” is not a phone number: its length is wrong.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def clean_address(channel_type: str, text: str, region: str = "") -> str:
    """The address in stored form for a channel. Raises InvalidMessage with the reason."""
    if any(char in text for char in "\r\n\0"):
        raise InvalidMessage("An address cannot contain a line break.")
    if channel_type == ChannelType.EMAIL:
        return clean_email(text)
    if channel_type == ChannelType.SMS:
        return clean_phone(text.strip(), region)
    if not text.strip() or len(text) > MAX_PUSH_TOKEN:
        raise InvalidMessage("A push token is 1 to 320 characters long.")
    return text.strip()
