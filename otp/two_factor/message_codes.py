"""Codes by SMS and e-mail: asked of the engine, which counts, limits and forgets them.

The session keeps the id of the request: a code answers only the session that asked for it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.http import HttpRequest

from omnichannel.choices import ChannelType
from omnichannel.exceptions import OmnichannelError
from omnichannel.visitors import client_ip
from otp import engine
from otp.asking import Asked
from otp.choices import Verdict
from otp.engine import Sent
from otp.two_factor.models import MessageDevice

PURPOSE = "studio-sign-in"
CALLER = "studio"
KEPT = "two_factor.asked"
WORDS = {
    Verdict.INCORRECT: "This is not the code that we sent last.",
    Verdict.EXPIRED: "This code has expired: send another one.",
    Verdict.EXHAUSTED: "Too many wrong tries for this code: send another one.",
    Verdict.USED: "This code was used already: send another one.",
    Verdict.UNKNOWN: "No code is waited for: send one.",
}


class NotSent(OmnichannelError):
    """No code went out; says what to do."""


class Waiting(NamedTuple):
    """What the session waits for an answer to."""

    request_id: str
    channel: str
    destination: str
    resend_at: float  # seconds since 1970

    def seconds(self, at: datetime) -> int:
        """Until another code may be asked for."""
        return max(0, round(self.resend_at - at.timestamp()))


def ask(request: HttpRequest, user: Any, channel: str, destination: str, *, at: datetime) -> None:
    """Send a code. Raises NotSent."""
    asked = Asked(
        purpose=PURPOSE,
        mobile=destination if channel == ChannelType.SMS else "",
        email=destination if channel == ChannelType.EMAIL else "",
        client_ip=client_ip(request) or "",
        user_agent=request.headers.get("User-Agent", "")[:255],
        caller=CALLER,
        no_fallback=True,  # another channel is another device
    )
    _keep(request, _sent(lambda: engine.send(asked, at=at)[0]), channel, destination, at=at)


def ask_again(request: HttpRequest, *, at: datetime) -> None:
    """Another code, which voids the one of before. Raises NotSent."""
    kept = waiting(request)
    if kept is None:
        raise NotSent("No code is waited for: send one.")
    ip = client_ip(request) or ""
    sent = _sent(lambda: engine.resend(kept.request_id, at=at, caller=CALLER, client_ip=ip))
    _keep(request, sent, kept.channel, kept.destination, at=at)
