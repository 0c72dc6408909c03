"""A stored connection as the two stations that the AS2 codec knows."""

from __future__ import annotations

import datetime

from django.conf import settings

from integrations.exceptions import As2Refused
from integrations.models import As2Connection
from integrations.protocols.as2.building import ASYNC, Wishes
from integrations.protocols.as2.stations import (
    MB,
    KeyPair,
    Limits,
    Partner,
    Station,
    load_certificate,
    load_key_pair,
)


def station(as2: As2Connection, at: datetime.datetime) -> Station:
    """Ours. From its date on the next key signs; both open. Raises As2Refused."""
    if not as2.self_certificate:
        raise As2Refused("Our station has no certificate yet: save the page.", "certificate")
    keys: list[KeyPair] = [load_key_pair(as2.self_key, as2.self_certificate)]
    if as2.next_certificate:
        is_first = as2.switch_at is not None and as2.switch_at <= at
        following = load_key_pair(as2.next_key, as2.next_certificate)
        keys.insert(0 if is_first else 1, following)
    return Station(as2.self_id, tuple(keys))


def partner(as2: As2Connection, at: datetime.datetime) -> Partner:
    """Theirs. One that is valid comes first: it encrypts. Raises As2Refused."""
    texts = (as2.recipient_certificate, as2.recipient_certificate_next)
    found = [load_certificate(text) for text in texts if text]
    found.sort(key=lambda each: not each.not_valid_before_utc <= at <= each.not_valid_after_utc)
    return Partner(
        as2.recipient_id,
        tuple(found),
        require_signed=as2.require_signed,
        require_encrypted=as2.require_encrypted,
        allow_legacy=as2.allow_legacy,
    )


def wishes(as2: As2Connection) -> Wishes:
    return Wishes(
        signing=as2.signing,
        encryption=as2.encryption,
        compress=as2.compress,
        receipt=as2.mdn_mode,
        signed_receipt=as2.mdn_signed,
        receipt_url=self_url(as2) if as2.mdn_mode == ASYNC else "",
        subject=as2.subject or "Document",
    )


def limits(as2: As2Connection) -> Limits:
    most = as2.max_mb * MB
    return Limits(wire=most, plain=most)


def self_url(as2: As2Connection) -> str:
    """Where the partner sends to."""
    base = settings.PUBLIC_URL or f"http://{settings.HOST}:{settings.PORT}"
    return f"{base}/as2/{as2.token}"


def peer_name(as2: As2Connection) -> str:
    return f"{as2.self_id} and {as2.recipient_id}"
