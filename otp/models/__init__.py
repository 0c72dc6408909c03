from __future__ import annotations

from otp.models.audit import OtpEntry
from otp.models.challenges import OtpChallenge
from otp.models.configurations import OtpConfiguration
from otp.models.counts import OtpCount
from otp.models.numbers import TestNumber
from otp.models.prefixes import BlockedPrefix

__all__ = [
    "BlockedPrefix",
    "OtpChallenge",
    "OtpConfiguration",
    "OtpCount",
    "OtpEntry",
    "TestNumber",
]
