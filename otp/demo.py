"""What a first start shows of one-time passwords; the sandbox is their provider then."""

from __future__ import annotations

from otp.models import OtpConfiguration


def load() -> None:
    """The usual values as a row, to be looked at and changed."""
    if not OtpConfiguration.objects.exists():
        OtpConfiguration.defaults().save()
