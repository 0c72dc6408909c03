"""One-time passwords: send, check, send again, cancel.

`send` and `resend` must not run inside a transaction: a message leaves within the call.
"""

from __future__ import annotations

import datetime
import uuid

from omnichannel.exceptions import InvalidMessage
from otp import checking, codes, fallback, handing, issuing, requests
from otp.asking import Asked, Checked, InvalidOtp, OtpRefused, Sent
from otp.choices import ChallengeStatus, OtpChannel, Refusal
from otp.guard import Refused
from otp.handing import InvalidContent
from otp.issuing import Together
from otp.models import OtpChallenge
from otp.wanted import Wanted, checked, wanted_again

RESENDABLE = datetime.timedelta(hours=1)  # after its code expired


def send(asked: Asked, *, at: datetime.datetime) -> list[Sent]:
    """Send a code by each channel that has an address: SMS first, then e-mail.

    With a fallback configured the e-mail waits for its turn, which comes at once when no SMS can
    go. Raises InvalidOtp, and OtpRefused when the request as a whole is refused.
    """
    wanted = checked(asked)
    first = wanted[0]
    if len(wanted) == 2 and first.configuration.fallback_after and not asked.no_fallback:
        return _with_fallback(first, wanted[1], at)
    together = Together(uuid.uuid4(), _shared(asked, wanted))
    found: list[Sent] = []
    for one in wanted:
        found.append(_send(one, together, at, is_first=not found))
    return found


def _with_fallback(first: Wanted, other: Wanted, at: datetime.datetime) -> list[Sent]:
    group = uuid.uuid4()
    sent = _send(first, Together(group), at, is_first=True)
    if sent.success or sent.code == Refusal.COOL_DOWN:
        return [sent]
    row = requests.find(sent.request_id, caller=first.caller) if sent.request_id else None
    return [sent, _send(other, Together(group, fallback_of=row), at, is_first=False)]


def _shared(asked: Asked, wanted: list[Wanted]) -> str:
    """The code of both channels, where they are to have the same and can."""
    by = wanted[0].configuration
    is_same = by.same_code if asked.same_code is None else asked.same_code
    lengths = {one.length for one in wanted}
    if not is_same or len(wanted) < 2 or len(lengths) > 1:
        return ""
    return codes.generate(lengths.pop(), by.kind)


def _send(wanted: Wanted, together: Together, at: datetime.datetime, *, is_first: bool) -> Sent:
    issued = issuing.issue(wanted, together, at=at)
    if isinstance(issued, Refused):
        return handing.told_refused(wanted, issued, at)
    try:
        return handing.hand_over(wanted, issued, at=at)
    except InvalidContent as error:
        if is_first:
            raise InvalidOtp(error.faults) from None
        # The other channel's code is on its way: its caller must learn of that.
        sent = handing.told(wanted, issued.challenge, Refusal.PROVIDER, at)
        return sent._replace(message=error.faults[0][1])


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
    return checking.check(
        request_id,
        code,
        at=at,
        caller=caller,
        purpose=purpose,
        client_ip=client_ip,
        is_test=is_test,
    )


def resend(
    request_id: str,
    *,
    at: datetime.datetime,
    caller: str,
    channel: str = "",
    client_ip: str = "",
) -> Sent:
    """Send a new code, which voids the one before. Raises OtpRefused, InvalidOtp.

    By the other channel it is a request of its own, whose id is answered.
    """
    found = requests.find(request_id, caller=caller)
    if found and found.expires_at + RESENDABLE < at:
        raise OtpRefused(Refusal.UNKNOWN, str(Refusal.UNKNOWN.label))
    if found and channel and channel != found.channel:
        return _resend_by_other(found, channel, at, client_ip)
    if found is None or found.status not in ChallengeStatus.resendable():
        raise OtpRefused(Refusal.UNKNOWN, str(Refusal.UNKNOWN.label))
    wanted = wanted_again(found, found.channel, found.destination, client_ip=client_ip)
    issued = issuing.issue_again(found, wanted, at=at)
    if isinstance(issued, Refused):
        return handing.told_refused(wanted, issued, at, found.request_id.hex)
    try:
        return handing.hand_over(wanted, issued, at=at)
    except InvalidContent as error:
        raise InvalidOtp(error.faults) from None


def _resend_by_other(
    found: OtpChallenge, channel: str, at: datetime.datetime, client_ip: str
) -> Sent:
    rows = OtpChallenge.objects.filter(group=found.group, channel=channel)
    other = rows.exclude(status=ChallengeStatus.REPLACED).order_by("-id").first()
    if other:
        return resend(other.request_id.hex, at=at, caller=found.caller, client_ip=client_ip)
    if channel not in OtpChannel.values or not found.fallback_to:
        text = str(Refusal.NO_OTHER_CHANNEL.label)
        raise OtpRefused(Refusal.NO_OTHER_CHANNEL, text)
    try:
        sent = fallback.fall_back(found, at=at, client_ip=client_ip, is_asked_for=True)
    except (InvalidContent, InvalidMessage) as error:
        raise InvalidOtp([("channel", str(error))]) from None
    if sent is None:
        raise OtpRefused(Refusal.UNKNOWN, str(Refusal.UNKNOWN.label))
    return sent


def cancel(request_id: str, *, at: datetime.datetime, caller: str) -> bool:
    """No code of it is accepted any more. False: there was nothing to cancel."""
    return requests.cancel(request_id, at=at, caller=caller)


def status_of(request_id: str, *, at: datetime.datetime, caller: str) -> OtpChallenge | None:
    """As it is at that moment; None when this caller has no such request.

    Of a request that fell back it is the one by the other channel.
    """
    return requests.status_of(request_id, at=at, caller=caller)
