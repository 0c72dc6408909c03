"""Rows of one-time passwords for tests: each `make_*` needs only what the test is about."""

from __future__ import annotations

import datetime
import itertools
from typing import Any

from otp.choices import ChallengeStatus, OtpChannel
from otp.models import OtpChallenge, OtpConfiguration, OtpEntry
from tests.factories import NOW

_numbers = itertools.count(1)


def make_configuration(**values: Any) -> OtpConfiguration:
    number = next(_numbers)
    values = {"purpose": f"purpose-{number}", "name": f"Purpose {number}", **values}
    return OtpConfiguration.objects.create(**values)


def make_challenge(**values: Any) -> OtpChallenge:
    """A pending one by SMS; its digest is of no code."""
    number = next(_numbers)
    at = values.get("created_at", NOW)
    values = {
        "purpose": "default",
        "channel": OtpChannel.SMS,
        "destination": f"+1202555{number % 10_000:04}",
        "caller": "key test",
        "digest": "0" * 64,
        "key_id": "none",
        "created_at": at,
        "sent_at": at,
        "expires_at": at + datetime.timedelta(minutes=5),
        "resend_at": at + datetime.timedelta(seconds=30),
        **values,
    }
    if values.get("status") == ChallengeStatus.APPROVED:
        values.setdefault("used_at", at)
    is_sms = values["channel"] == OtpChannel.SMS
    to = values["destination"]
    values.setdefault("prefix", to[:-4] if is_sms else to.rpartition("@")[2])
    values.setdefault("country", "US" if is_sms else "")
    return OtpChallenge.objects.create(**values)


def make_entry(**values: Any) -> OtpEntry:
    values = {"at": NOW, "kind": "sent", "channel": OtpChannel.SMS, "prefix": "+1202555", **values}
    return OtpEntry.objects.create(**values)
