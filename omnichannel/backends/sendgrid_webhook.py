"""SendGrid's Event Webhook: an array of events, signed over the time and the raw body.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event and
.../getting-started-event-webhook-security-features
"""

from __future__ import annotations

import base64
import binascii
import datetime
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from omnichannel.backends.base import TrackingEvent
from omnichannel.backends.vendor_values import read_each
from omnichannel.backends.webhook_calls import text
from omnichannel.choices import EventType, Outcome, SuppressionReason
from omnichannel.exceptions import ForgedWebhook, InvalidWebhook

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
MAX_AGE = 300  # seconds

_ECDSA = ec.ECDSA(SHA256())
_MEANINGS = {
    "processed": (EventType.QUEUED, Outcome.ACCEPTED),
    "deferred": (EventType.DEFERRED, Outcome.TEMPORARY),
    "delivered": (EventType.DELIVERED, Outcome.DELIVERED),
    "bounce": (EventType.BOUNCED, Outcome.REJECTED),
    "blocked": (EventType.BOUNCED, Outcome.TEMPORARY),  # our name for a bounce of that type
    "dropped": (EventType.REJECTED, Outcome.REJECTED),
    "open": (EventType.OPENED, ""),
    "click": (EventType.CLICKED, ""),
    "spamreport": (EventType.COMPLAINED, ""),
    "unsubscribe": (EventType.UNSUBSCRIBED, ""),
    "group_unsubscribe": (EventType.UNSUBSCRIBED, ""),
    "group_resubscribe": (EventType.SUBSCRIBED, ""),
}
_TYPES = {name: (kind.value, str(outcome)) for name, (kind, outcome) in _MEANINGS.items()}
_UNKNOWN = (EventType.UNKNOWN.value, "")
# Why SendGrid did not even try. Other reasons say nothing about the address.
_DROPS = {
    "bounced address": SuppressionReason.BOUNCE.value,
    "invalid": SuppressionReason.BOUNCE.value,
    "spam reporting address": SuppressionReason.COMPLAINT.value,
    "unsubscribed address": SuppressionReason.UNSUBSCRIBE.value,
}


@lru_cache(maxsize=64)
def public_key(words: str) -> ec.EllipticCurvePublicKey:
    """The key as SendGrid shows it: base64 of a P-256 key. Raises ValueError."""
    lines = "".join(words.split()).replace("-----BEGINPUBLICKEY-----", "")
    data = base64.b64decode(lines.replace("-----ENDPUBLICKEY-----", ""), validate=True)
    try:
        key = load_der_public_key(data)
    except UnsupportedAlgorithm as error:
        raise ValueError("an unknown kind of key") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("not a P-256 key")
    return key


def verify(body: bytes, headers: Mapping[str, str], key: str, *, max_age: int, now: float) -> None:
    """`max_age` in seconds, 0 for any; `now` in seconds since 1970. Raises ForgedWebhook."""
    stamp, signature = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    try:
        known = public_key(key)
    except ValueError as error:
        raise ForgedWebhook("The verification key is not one of SendGrid's.") from error
    try:
        known.verify(base64.b64decode(signature, validate=True), stamp.encode() + body, _ECDSA)
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise ForgedWebhook("The call is not signed by SendGrid with this key.") from error
    if max_age and not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
        raise ForgedWebhook("The call does not say when it was made.")
    if max_age and abs(now - int(stamp)) > max_age:
        raise ForgedWebhook(f"The call was made more than {max_age} seconds ago.")


def events(found: object) -> list[TrackingEvent]:
    """Raises InvalidWebhook."""
    if not isinstance(found, list):
        raise InvalidWebhook("This is not an array of events.")
    return read_each(found, _understood)


def _understood(said: dict[str, Any]) -> TrackingEvent:
    try:
        return _event(said)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise InvalidWebhook(f"An event was not understood ({type(error).__name__}).") from error


def _event(said: dict[str, Any]) -> TrackingEvent:
    get = said.get
    name = get("event")
    code = "blocked" if name == "bounce" and get("type") == "blocked" else text(name)
    kind, outcome = _TYPES.get(code, _UNKNOWN)
    reason = text(get("reason"))
    return TrackingEvent(
        kind,
        datetime.datetime.fromtimestamp(said["timestamp"], datetime.UTC),
        text(get("key")),  # a custom argument of ours
        # Begins with the X-Message-Id that the hand-over was answered with.
        text(get("sg_message_id")).partition(".")[0],
        text(get("sg_event_id")),
        code,
        reason or text(get("response")),
        text(get("url")),
        get("sg_machine_open") is True,
        outcome,
        text(get("email")),
        _DROPS.get(reason.lower(), "") if code == "dropped" else "",
    )
