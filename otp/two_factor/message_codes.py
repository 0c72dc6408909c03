"""Codes by SMS and e-mail: asked of the engine, which counts, limits and forgets them.

The session keeps the id of the request: a code answers only the session that asked for it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

from django.http import HttpRequest

from omnichannel import installation
from omnichannel.exceptions import OmnichannelError
from omnichannel.visitors import client_ip
from otp import engine
from otp.asking import Asked, InvalidOtp, OtpRefused, Sent
from otp.choices import OtpChannel, Refusal, Verdict
from otp.models import MessageDevice

PURPOSE = "studio-sign-in"
CALLER = "studio"
KEPT = "two_factor.asked"
# One text for all three: it does not tell a stranger with a password which of them it was.
FRAUD_GUARD = {Refusal.COUNTRY, Refusal.PREMIUM, Refusal.BLOCKED_PREFIX}
SHUT_OUT = (
    "No code may be sent there: its country, its kind or its beginning is shut out. "
    "Use another, or ask an administrator to allow it."
)
WORDS = {
    Verdict.INCORRECT: "This is not the code that we sent last.",
    Verdict.EXPIRED: "This code has expired: send another one.",
    Verdict.EXHAUSTED: "Too many wrong tries for this code: send another one.",
    Verdict.USED: "This code was used already: send another one.",
    Verdict.UNKNOWN: "No code is waited for: send one.",
}
# Whoever is to release it may have no other way in.
HELD = (
    "All sending is held, so no code can go. Use another way, or release it on the server: "
    "manage.py release_hold."
)


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


def ask(request: HttpRequest, channel: str, destination: str, *, at: datetime) -> None:
    """Send a code. Raises NotSent."""
    sent = _sent(lambda: _send(request, channel, destination, at=at))
    _keep(request, sent, channel, destination, at=at)


def _send(request: HttpRequest, channel: str, destination: str, *, at: datetime) -> Sent:
    if not destination:
        raise NotSent("Its address was erased: use another way, or ask an administrator.")
    asked = Asked(
        purpose=PURPOSE,
        mobile=destination if channel == OtpChannel.SMS else "",
        email=destination if channel == OtpChannel.EMAIL else "",
        client_ip=client_ip(request) or "",
        user_agent=request.headers.get("User-Agent", "")[:255],
        caller=CALLER,
        no_fallback=True,  # another channel is another device
    )
    return engine.send(asked, at=at)[0]


def ask_again(request: HttpRequest, *, at: datetime) -> None:
    """Another code, which voids the one of before. Raises NotSent."""
    kept = waiting(request)
    if kept is None:
        raise NotSent("No code is waited for: send one.")
    sent = _sent(lambda: _send_again(request, kept, at=at))
    _keep(request, sent, kept.channel, kept.destination, at=at)


def _send_again(request: HttpRequest, kept: Waiting, *, at: datetime) -> Sent:
    ip = client_ip(request) or ""
    try:
        return engine.resend(kept.request_id, at=at, caller=CALLER, client_ip=ip)
    except OtpRefused as error:
        if error.code != Refusal.UNKNOWN:
            raise
        # A code that another session asked for took the place of this one's.
        return _send(request, kept.channel, kept.destination, at=at)


def problem(request: HttpRequest, device: MessageDevice, code: str, *, at: datetime) -> str:
    """Why the code does not prove that the user has this device. Empty: it does."""
    kept = waiting(request)
    if kept is None or (kept.channel, kept.destination) != (device.channel, device.destination):
        return WORDS[Verdict.UNKNOWN]
    return _check(request, kept, code, at=at)


def verified_destination(request: HttpRequest, code: str, *, at: datetime) -> tuple[str, str]:
    """(problem, destination as it is stored) of the address that is being enrolled."""
    kept = waiting(request)
    if kept is None:
        return WORDS[Verdict.UNKNOWN], ""
    challenge = engine.status_of(kept.request_id, at=at, caller=CALLER)
    trouble = _check(request, kept, code, at=at)
    return trouble, challenge.destination if challenge else kept.destination


def _check(request: HttpRequest, kept: Waiting, code: str, *, at: datetime) -> str:
    checked = engine.verify(
        kept.request_id,
        code,
        at=at,
        caller=CALLER,
        purpose=PURPOSE,
        client_ip=client_ip(request) or "",
    )
    return WORDS.get(checked.verdict, "")


def waiting(request: HttpRequest) -> Waiting | None:
    kept = request.session.get(KEPT)
    return Waiting(*kept) if kept else None


def forget(request: HttpRequest) -> None:
    request.session.pop(KEPT, None)


def _sent(send: Callable[[], Sent]) -> Sent:
    """Raises NotSent for whatever the engine refuses."""
    try:
        sent = send()
    except InvalidOtp as error:
        raise NotSent(" ".join(text for _, text in error.faults)) from error
    except OtpRefused as error:
        raise NotSent(_with_wait(str(error), error.retry_after)) from error
    if not sent.success:
        wait = sent.resend_after if sent.code == Refusal.COOL_DOWN else None
        if sent.code == Refusal.PROVIDER and installation.is_held():
            raise NotSent(HELD)
        text = SHUT_OUT if sent.code in FRAUD_GUARD else sent.message
        raise NotSent(_with_wait(text, wait))
    return sent


def _with_wait(text: str, seconds: float | None) -> str:
    return f"{text} Wait {ceil(seconds)} seconds." if seconds else text


def _keep(
    request: HttpRequest, sent: Sent, channel: str, destination: str, *, at: datetime
) -> None:
    resend_at = (at + timedelta(seconds=sent.resend_after)).timestamp()
    request.session[KEPT] = [*Waiting(sent.request_id, channel, destination, resend_at)]
