"""What is asked of the engine, and what it answers."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from omnichannel.exceptions import InvalidSubmission, OmnichannelError
from otp.choices import Verdict
from otp.models import OtpChallenge


@dataclass(frozen=True, slots=True)
class ChannelAsked:
    """What one channel does otherwise than the configuration says. None: as configured."""

    length: int | None = None
    expires_in: datetime.timedelta | None = None
    template: int | str | None = None  # an id, or its code
    provider: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A number, an e-mail address or both; with both, one code or two.

    `purpose` is a slug; one without a configuration of its own goes by the default one. `caller`
    and `purpose` are part of what a code is bound to. `client_ip` is the end user's.
    """

    purpose: str = ""
    mobile: str = ""
    email: str = ""
    same_code: bool | None = None
    overrides: Mapping[str, ChannelAsked] = field(default_factory=dict)  # by "sms" | "email"
    variables: Mapping[str, object] = field(default_factory=dict)
    language: str = ""
    client_ip: str = ""
    user_agent: str = ""
    caller: str = ""
    is_test: bool = False
    no_fallback: bool = False


class Sent(NamedTuple):
    """What became of one channel. `code` is empty, or one of `choices.Refusal`."""

    channel: str
    success: bool
    request_id: str  # 32 hex digits; empty when nothing was tried
    message: str
    masked_to: str
    expires_at: datetime.datetime
    resend_after: int  # seconds
    tries_left: int
    code: str = ""


class Checked(NamedTuple):
    verdict: Verdict
    tries_left: int
    challenge: OtpChallenge | None


class InvalidOtp(InvalidSubmission):
    """Nothing of it was sent. `faults` are (field, what is wrong)."""


class OtpRefused(OmnichannelError):
    """The whole request is refused: `code` is a `choices.Refusal`, `retry_after` in seconds."""

    def __init__(self, code: str, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.retry_after = retry_after
