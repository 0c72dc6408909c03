"""Proof that a rule was run: a signed digest, which the form sends back when it is saved."""

from __future__ import annotations

from django.core import signing

SALT = "integrations.rule-run"
SECONDS = 24 * 60 * 60


def token_for(digest: str) -> str:
    return signing.dumps(digest, salt=SALT)


def proves(token: str, digest: str) -> bool:
    """Whether a run of exactly this content succeeded within the last day."""
    try:
        return bool(digest) and signing.loads(token, salt=SALT, max_age=SECONDS) == digest
    except signing.BadSignature:
        return False
