from __future__ import annotations

from otp.models.audit import OtpEntry
from otp.models.backup_codes import BackupCode, BackupCodes
from otp.models.browsers import RememberedBrowser
from otp.models.challenges import OtpChallenge
from otp.models.configurations import OtpConfiguration
from otp.models.counts import OtpCount
from otp.models.devices import MessageDevice, TotpDevice
from otp.models.failed_sign_ins import FailedSignIn
from otp.models.guesses import GuessCount
from otp.models.numbers import TestNumber
from otp.models.prefixes import BlockedPrefix
from otp.models.requirements import Requirement

__all__ = [
    "BackupCode",
    "BackupCodes",
    "BlockedPrefix",
    "FailedSignIn",
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
