from __future__ import annotations

from otp.models.audit import OtpEntry
from otp.models.challenges import OtpChallenge
from otp.models.configurations import OtpConfiguration
from otp.models.counts import OtpCount
from otp.models.numbers import TestNumber
from otp.models.prefixes import BlockedPrefix
from otp.two_factor.models import (
    BackupCode,
    BackupCodes,
    GuessCount,
    MessageDevice,
    RememberedBrowser,
    Requirement,
    TotpDevice,
)

__all__ = [
    "BackupCode",
    "BackupCodes",
    "BlockedPrefix",
    "GuessCount",
    "MessageDevice",
    "OtpChallenge",
    "OtpConfiguration",
    "OtpCount",
    "OtpEntry",
    "RememberedBrowser",
    "Requirement",
    "TestNumber",
    "TotpDevice",
]
