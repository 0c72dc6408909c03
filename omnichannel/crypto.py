"""Encryption of secrets at rest: Fernet with a key ring (first key writes, every key reads)."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from omnichannel.exceptions import OmnichannelError


class SecretUnreadable(OmnichannelError):
    """No key of the ring opens this secret: enter it again, or restore FIELD_ENCRYPTION_KEYS."""


@lru_cache(maxsize=4)
def _ring(keys: tuple[str, ...]) -> MultiFernet:
    digests = (hashlib.sha256(key.encode()).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


def ring() -> MultiFernet:
    return _ring(tuple(settings.FIELD_ENCRYPTION_KEYS))


def encrypt(text: str) -> str:
    return ring().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    try:
        return ring().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise SecretUnreadable(
            "A stored secret cannot be read with the present FIELD_ENCRYPTION_KEYS."
        ) from error
