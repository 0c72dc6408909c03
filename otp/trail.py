"""The audit trail: who asked for what, and what it came to. Never the code."""

from __future__ import annotations

import datetime
from typing import Any

from otp.choices import EntryKind
from otp.destinations import Destination
from otp.models import OtpChallenge, OtpEntry


def of_challenge(
    challenge: OtpChallenge,
    kind: EntryKind,
    *,
    at: datetime.datetime,
    outcome: str = "",
    detail: str = "",
    **values: Any,
) -> None:
    """`values` replace what the challenge says, such as the IP address of who checks."""
    version, provider = challenge.template_version, challenge.provider
    told = {
        "channel": challenge.channel,
        "destination": challenge.destination,
        "prefix": challenge.prefix,
        "country": challenge.country,
        "purpose": challenge.purpose,
        "caller": challenge.caller,
        "client_ip": challenge.client_ip,
        "request_id": challenge.request_id,
        "message_id": challenge.message_id,
        "provider": provider.name if provider else "",
        "template": str(version)[:160] if version else "",
        "is_test": challenge.is_test,
    }
    OtpEntry.objects.create(
        at=at, kind=kind, outcome=outcome, detail=detail[:255], **{**told, **values}
    )


def of_destination(
    destination: Destination,
    kind: EntryKind,
    *,
    at: datetime.datetime,
    outcome: str = "",
    detail: str = "",
    **values: Any,
) -> None:
    """Of a request that became no challenge."""
    OtpEntry.objects.create(
        at=at,
        kind=kind,
        outcome=outcome,
        detail=detail[:255],
        channel=destination.channel,
        destination=destination.address,
        prefix=destination.prefix,
        country=destination.country,
        **values,
    )
