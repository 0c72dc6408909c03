"""One-time passwords: send, check, send again, cancel.

None of these runs inside a transaction of its caller's: a message leaves within the call.
"""

from __future__ import annotations

import datetime

from otp.asking import Asked, Checked, Sent
from otp.models import OtpChallenge


def send(asked: Asked, *, at: datetime.datetime) -> list[Sent]:
    """Send a code by each channel that has an address: SMS first, then e-mail.

    Raises InvalidOtp, and OtpRefused when the request as a whole is refused.
    """
    raise NotImplementedError


def verify(
    request_id: str,
    code: str,
    *,
    at: datetime.datetime,
    caller: str,
    purpose: str = "",
    client_ip: str = "",
    is_test: bool = False,
) -> Checked:
    """Check a code; a right one counts once. An empty `purpose` is not compared."""
    raise NotImplementedError


def resend(
    request_id: str,
    *,
    at: datetime.datetime,
    caller: str,
    channel: str = "",
    client_ip: str = "",
) -> Sent:
    """Send a new code, which voids the one before. Raises OtpRefused."""
    raise NotImplementedError


def cancel(request_id: str, *, at: datetime.datetime, caller: str) -> bool:
    """No code of it is accepted any more. False: there was nothing to cancel."""
    raise NotImplementedError


def status_of(request_id: str, *, at: datetime.datetime, caller: str) -> OtpChallenge | None:
    """As it is at that moment; None when this caller has no such request."""
    raise NotImplementedError
