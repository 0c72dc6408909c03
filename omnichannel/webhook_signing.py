"""Signatures by which another system knows that a call is ours (standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import datetime
import hmac
from collections.abc import Sequence

from omnichannel.exceptions import OmnichannelError

PREFIX = "whsec_"


class BadSecret(OmnichannelError):
    """The secret is none of Standard Webhooks."""


def headers(
    event_id: str, body: bytes, secrets: Sequence[str], at: datetime.datetime
) -> dict[str, str]:
    """Those of a call made at `at`, with a signature for each of the secrets. Raises BadSecret."""
    stamp = str(int(at.timestamp()))
    signatures = [sign(event_id, stamp, body, secret) for secret in secrets]
    return {
        "Content-Type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(signatures),
    }


def sign(event_id: str, stamp: str, body: bytes, secret: str) -> str:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise BadSecret("The secret is broken: renew it.") from error
    signed = b".".join((event_id.encode(), stamp.encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
