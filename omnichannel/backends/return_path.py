"""Where reports of a message go: the envelope sender, one for all or one for each message.

`bounces+<token>@example.com` names the message (VERP): our key and a keyed check, in letters that
survive any change of case. Nobody makes up the token of a message that he did not get.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator
from functools import lru_cache
from uuid import UUID

from django.conf import settings

CHECK_BYTES = 8
TOKEN_LENGTH = 39  # 16 bytes of the key and the check in base32, without its padding
LONGEST_LOCAL = 64  # RFC 5321 section 4.5.3.1.1
LONGEST_BASE = LONGEST_LOCAL - TOKEN_LENGTH - 1
TOKEN = re.compile(rf"\+([a-z2-7]{{{TOKEN_LENGTH}}})(?![a-z0-9])", re.IGNORECASE)
MOST_TOKENS = 50  # looked at in one text


def address_for(key: str, bounce_address: str) -> str:
    """The bounce address with the message's token in it; as it is for a key that is no UUID."""
    token = token_of(key)
    local, _, domain = bounce_address.rpartition("@")
    return f"{local}+{token}@{domain}" if token else bounce_address


def token_of(key: str) -> str:
    try:
        data = bytes.fromhex(key.replace("-", ""))
    except ValueError:
        return ""
    if len(data) != 16:
        return ""
    return base64.b32encode(data + _check(data, _secrets()[0])).decode().rstrip("=").lower()


def keys_in(text: str) -> Iterator[str]:
    """Our keys by the valid tokens in a text, in order. Forged ones are passed over."""
    for number, found in enumerate(TOKEN.finditer(text)):
        if number >= MOST_TOKENS:
            return
        if key := key_of(found[1]):
            yield key


def key_of(token: str) -> str:
    """The key that a token names; empty when the check is wrong."""
    try:
        data = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
    except (binascii.Error, ValueError):
        return ""
    key, check = data[:16], data[16:]
    if any(hmac.compare_digest(check, _check(key, secret)) for secret in _secrets()):
        return str(UUID(bytes=key))
    return ""


def _check(key: bytes, secret: bytes) -> bytes:
    return hashlib.blake2b(key, digest_size=CHECK_BYTES, key=secret).digest()


def _secrets() -> tuple[bytes, ...]:
    return _derived((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=4)
def _derived(keys: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(hashlib.sha256(b"return path " + key.encode()).digest() for key in keys)
