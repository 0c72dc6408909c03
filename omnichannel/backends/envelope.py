"""Who a message is from and to, on the wire: what may be written there and what is refused."""

from __future__ import annotations

import re
from functools import lru_cache

import idna

from omnichannel.backends.base import OutgoingMessage, ProviderConfig
from omnichannel.exceptions import Rejected

LINE_BREAKERS = re.compile(r"[\r\n\0]")
HEADER_NAME = re.compile(r"[!-9;-~]+")
ADDRESS = re.compile(r"[^\s<>()\[\],;:\\\"@\x00-\x1f\x7f]+@[^\s<>()\[\],;:\\\"@\x00-\x1f\x7f]+")
# The product writes these itself; a second one would contradict it.
OWN_HEADERS = frozenset(
    {"from", "to", "cc", "bcc", "sender", "subject", "date", "message-id"}
    | {"mime-version", "reply-to", "return-path"}
)


def sender_of(message: OutgoingMessage, config: ProviderConfig) -> tuple[str, str]:
    """(address, display name) a message is from: its own, else the provider's."""
    if message.from_address:
        return message.from_address, message.from_name
    return config.from_address, message.from_name or config.from_name


def refuse_unsafe(message: OutgoingMessage, config: ProviderConfig) -> None:
    """Raises Rejected for anything that could add a header or a recipient of its own."""
    address, name = sender_of(message, config)
    values = [message.key, message.subject, name, message.to, address, message.reply_to]
    if message.headers:
        values += message.headers.values()
    # One search for what nearly every message passes; who fails it is told which field it was.
    if message.attachments or LINE_BREAKERS.search(" ".join(values)):
        _refuse_line_breaks(message, address, name)
    for header in message.headers:
        _refuse_header_name(header)
    _refuse_copies(message)


def _refuse_line_breaks(message: OutgoingMessage, address: str, name: str) -> None:
    fields = {"key": message.key, "subject": message.subject, "sender name": name}
    fields |= {"recipient": message.to, "sender": address, "reply-to": message.reply_to}
    fields |= {f"header {key!r}": value for key, value in message.headers.items()}
    fields |= {f"attachment {part.name!r}": part.name for part in message.attachments}
    for label, value in fields.items():
        if LINE_BREAKERS.search(value):
            raise Rejected(f"The {label} has a line break in it: remove it.", code="invalid")


def refuse_bad_addresses(message: OutgoingMessage, config: ProviderConfig) -> None:
    """E-mail only: every place for an address holds exactly one. Raises Rejected."""
    sender, _ = sender_of(message, config)
    if not sender:
        raise Rejected("No From Address: set it on the provider or the message.", code="invalid")
    _refuse_bad_senders(sender, message.reply_to)
    for address in (message.to, *message.cc, *message.bcc):
        _refuse_bad_address(address)


@lru_cache(maxsize=100)
def _refuse_bad_senders(sender: str, reply_to: str) -> None:
    """The same in all messages of a template: looked at once."""
    _refuse_bad_address(sender)
    if reply_to:
        _refuse_bad_address(reply_to)


def _refuse_bad_address(address: str) -> None:
    if not ADDRESS.fullmatch(address):
        raise Rejected(f"{address!r} is not an e-mail address.", code="invalid")
    wire_address(address)


def wire_address(address: str) -> tuple[str, bool]:
    """(address with its domain in ASCII, whether the part before @ needs SMTPUTF8).

    Raises Rejected for a domain that cannot exist (RFC 5891).
    """
    if address.isascii():
        return address, False
    local, _, domain = address.rpartition("@")
    try:
        domain = idna.encode(domain, uts46=True).decode()
    except idna.IDNAError as error:
        raise Rejected(f"{address!r} has an impossible domain: {error}", code="invalid") from error
    return f"{local}@{domain}", not local.isascii()


@lru_cache(maxsize=100)
def _refuse_header_name(name: str) -> None:
    if not HEADER_NAME.fullmatch(name):
        raise Rejected(f"{name!r} cannot be the name of a header (RFC 5322).", code="invalid")
    if name.lower() in OWN_HEADERS or name.lower().startswith(("content-", "resent-")):
        raise Rejected(f"The header {name} is set by the product: leave it out.", code="invalid")


def _refuse_copies(message: OutgoingMessage) -> None:
    for address in (*message.cc, *message.bcc):
        if LINE_BREAKERS.search(address):
            raise Rejected("A copy's address has a line break in it.", code="invalid")
