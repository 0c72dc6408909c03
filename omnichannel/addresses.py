"""Addresses as people type them, made into the form that is stored and compared."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from omnichannel.choices import ChannelType
from omnichannel.exceptions import InvalidMessage

# What nearly every address looks like; anything else goes to the full parser.
_PLAIN_LOCAL = re.compile(r"[a-zA-Z0-9_+'-]+(?:\.[a-zA-Z0-9_+'-]+)*")
_PLAIN_DOMAIN = re.compile(
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]{2,63}",
)
MAX_LOCAL = 64
MAX_EMAIL = 254
MAX_PUSH_TOKEN = 320


def split_addresses(text: str) -> list[str]:
    """The addresses of a semicolon separated list, in order, blanks left out."""
    return [part.strip() for part in text.split(";") if part.strip()]


def clean_email(text: str) -> str:
    """The address with its domain in lower case. Raises InvalidMessage."""
    text = text.strip()
    local, _, domain = text.partition("@")
    plain = _plain_domain(domain)
    is_short = len(text) <= MAX_EMAIL and len(local) <= MAX_LOCAL
    if plain and is_short and _PLAIN_LOCAL.fullmatch(local):
        return f"{local}@{plain}"
    return parse_email(text)


@lru_cache(maxsize=10_000)
def _plain_domain(domain: str) -> str:
    """In lower case; empty when it is not of the common form. Most addresses share a few.

    Two hyphens may begin an encoded name, which the parser decodes.
    """
    is_plain = "--" not in domain and _PLAIN_DOMAIN.fullmatch(domain)
    return domain.lower() if is_plain else ""


def parse_email(text: str) -> str:
    """The same for every form there is, at thirty times the price. Raises InvalidMessage."""
    try:
        checked = validate_email(text, check_deliverability=False, strict=True)
    except EmailNotValidError as error:
        raise InvalidMessage(f"“{text[:80]}” is not an e-mail address: {error}") from error
    return lower_beyond_ascii(checked.normalized)


def lower_beyond_ascii(text: str) -> str:
    """SQLite, and PostgreSQL in some locales, take no other letters to lower case than A to Z: an
    address with an Ä would not be found among the consents, or to be erased.
    """
    return text if text.isascii() else "".join(c if c.isascii() else c.lower() for c in text)


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
