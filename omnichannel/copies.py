"""Whom a message goes to beside its recipient: what was asked for, and what its template adds.

It is written into the message's row when that is queued, so that copies are screened, reported
and erased like those that somebody typed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from omnichannel.addresses import clean_address, split_addresses
from omnichannel.choices import Category, ChannelType
from omnichannel.exceptions import InvalidMessage
from omnichannel.models import Message, TemplateVersion

MAX_COPIES = 100  # CC and BCC addresses of one message
MAX_OF_KEY = 20  # addresses that one data field may hold
SEPARATOR = re.compile(r"[;,]")
NOT_OF_CODES = "A one-time password is for its recipient alone: leave CC and BCC empty."


class Copies(NamedTuple):
    """Addresses as a message's row has them."""

    cc: str
    bcc: str


def complete(message: Message, channel_type: str) -> None:
    """Fill in and clean a message's addresses. Raises InvalidMessage."""
    version = message.template_version
    if version is not None:
        named = message.to_address or recipient(version, message.variables, channel_type)
        message.to_address = named
    message.to_address = clean_address(channel_type, message.to_address)
    for field in ("cc_addresses", "bcc_addresses"):
        found = split_addresses(getattr(message, field))
        if found and channel_type != ChannelType.EMAIL:
            raise InvalidMessage("Only e-mails have CC and BCC addresses.")
        cleaned = [clean_address(channel_type, address) for address in found]
        setattr(message, field, "; ".join(cleaned))
    if message.category == Category.OTP:
        if message.cc_addresses or message.bcc_addresses:
            raise InvalidMessage(NOT_OF_CODES)
    elif version is not None:
        message.cc_addresses, message.bcc_addresses = of(
            version,
            message.variables,
            to=message.to_address,
            cc=message.cc_addresses,
            bcc=message.bcc_addresses,
        )
    for text in (message.cc_addresses, message.bcc_addresses):
        if len(split_addresses(text)) > MAX_COPIES:
            raise InvalidMessage(f"At most {MAX_COPIES} CC or BCC addresses.")


def of(
    version: TemplateVersion,
    values: Mapping[str, Any],
    *,
    to: str,
    cc: str = "",
    bcc: str = "",
) -> Copies:
    """The copies of a message to `to` with these values; `cc` and `bcc` are its own.

    Nobody is named twice. What a data field holds that is no address is left out.
    """
    if not adds(version):
        return Copies(cc, bcc)
    known = {to.lower()}
    shown = (cc, version.static_to, version.static_cc, *_held(values, version.cc_key))
    hidden = (bcc, version.static_bcc, *_held(values, version.bcc_key))
    return Copies(_joined(shown, known), _joined(hidden, known))


def adds(version: TemplateVersion) -> bool:
    """Does it add copies to its messages?"""
    statics = version.static_to or version.static_cc or version.static_bcc
    return bool(statics or version.cc_key or version.bcc_key)


def recipient(version: TemplateVersion, values: Mapping[str, Any], channel_type: str) -> str:
    """Whom a message goes to when nobody said it: by the key, else the first fixed address."""
    named = by_key(version, values, channel_type)
    return named or next(iter(split_addresses(version.static_to)), "")


def by_key(version: TemplateVersion, values: Mapping[str, Any], channel_type: str) -> str:
    """The address in the data field that the version takes its recipients from."""
    return next(iter(_held(values, version.to_key, channel_type)), "")


def _joined(texts: Iterable[str], known: set[str]) -> str:
    found = []
    for text in texts:
        for address in split_addresses(text):
            if address.lower() not in known:
                known.add(address.lower())
                found.append(address)
    return "; ".join(found)


def _held(values: Mapping[str, Any], key: str, channel_type: str = ChannelType.EMAIL) -> list[str]:
    """The addresses in a data field: a text, several by semicolons, or a list."""
    if not key:
        return []
    space, _, name = key.rpartition(".")
    held = values.get(space) if space else values
    found = held.get(name) if isinstance(held, Mapping) else None
    texts = found if isinstance(found, list) else SEPARATOR.split(str(found or ""))
    return [address for text in texts[:MAX_OF_KEY] if (address := _clean(channel_type, str(text)))]


def _clean(channel_type: str, text: str) -> str:
    try:
        return clean_address(channel_type, text) if text.strip() else ""
    except InvalidMessage:
        return ""
