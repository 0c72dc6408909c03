"""What is stored of a code: an HMAC whose key is not in the database.

The key ring is OTP_HASH_KEYS or, without it, derived from FIELD_ENCRYPTION_KEYS: the first key
makes digests, and a code made with any other of the ring is still known.
"""

from __future__ import annotations

import hashlib
import hmac
import json

from django.conf import settings

from otp.models import OtpChallenge

VERSION = 1  # of what is hashed


def _ring() -> dict[str, bytes]:
    """The keys by their ids, the one that makes digests first."""
    own = [key.encode() for key in settings.OTP_HASH_KEYS]
    keys = own or [_derived(key) for key in settings.FIELD_ENCRYPTION_KEYS]
    return {hmac.digest(key, b"key id", "sha256").hex()[:16]: key for key in keys}


def _derived(key: str) -> bytes:
    return hmac.digest(hashlib.sha256(key.encode()).digest(), b"one-time passwords", "sha256")


def digest(challenge: OtpChallenge, code: str) -> tuple[str, str]:
    """(the key's id, the digest in hex) of a code for this request and for nothing else."""
    key_id, key = next(iter(_ring().items()))
    return key_id, _digest(key, challenge, code)


def matches(challenge: OtpChallenge, code: str) -> bool:
    """Is it the code? It takes the same time wherever they differ."""
    ring = _ring()
    key = ring.get(challenge.key_id)
    given = _digest(key or next(iter(ring.values())), challenge, code)
    return hmac.compare_digest(given, challenge.digest) and key is not None


def _digest(key: bytes, challenge: OtpChallenge, code: str) -> str:
    """Bound to all that says what the code is good for, and to which of its sends it is."""
    bound = [
        VERSION,
        challenge.request_id.hex,
        challenge.sends,
        challenge.channel,
        challenge.destination,
        challenge.purpose,
        challenge.caller,
        challenge.is_test,
        code,
    ]
    return hmac.digest(key, json.dumps(bound).encode(), "sha256").hex()
