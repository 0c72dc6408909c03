from __future__ import annotations

from otp.two_factor.models.backup_codes import BackupCode, BackupCodes
from otp.two_factor.models.browsers import RememberedBrowser
from otp.two_factor.models.devices import MessageDevice, TotpDevice
from otp.two_factor.models.guesses import GuessCount
from otp.two_factor.models.requirements import Requirement

__all__ = [
    "BackupCode",
    "BackupCodes",
    "GuessCount",
    "MessageDevice",
    "RememberedBrowser",
    "Requirement",
    "TotpDevice",
]
