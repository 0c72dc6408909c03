"""When a code does not arrive by SMS, another one goes by e-mail, and the first is void."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable

from django.db.models import Q

from omnichannel.choices import MessageStatus
from omnichannel.exceptions import OmnichannelError
from otp import handing, issuing, trail
from otp.asking import Sent
from otp.choices import ChallengeStatus, EntryKind, OtpChannel, Refusal
from otp.guard import Refused
from otp.issuing import Together
from otp.models import OtpChallenge
from otp.wanted import wanted_again

logger = logging.getLogger(__name__)

MOST = 500  # in one tick
HELD = datetime.timedelta(seconds=60)  # by a tick that has one in hand
LOST = (MessageStatus.FAILED, MessageStatus.CANCELLED, MessageStatus.EXPIRED)


def run_due(at: datetime.datetime, stopped: Callable[[], bool]) -> int:
    """Give the other channel its turn where it is due; answers how many codes were sent."""
    waiting = OtpChallenge.objects.filter(
        status=ChallengeStatus.PENDING, fallback_at__isnull=False, expires_at__gt=at
    )
    due = waiting.filter(Q(fallback_at__lte=at) | Q(message__status__in=LOST))
    sent = 0
    for row in due.select_related("message").order_by("fallback_at")[:MOST]:
        if stopped():
            break
        sent += _run(row, at)
    return sent


def _run(row: OtpChallenge, at: datetime.datetime) -> bool:
    """One of them. Whoever changes `fallback_at` has it in hand."""
    mine = OtpChallenge.objects.filter(
        pk=row.pk, status=ChallengeStatus.PENDING, fallback_at=row.fallback_at
    )
    if row.message and row.message.status == MessageStatus.DELIVERED:
        mine.update(fallback_at=None)
        return False
    if not mine.update(fallback_at=at + HELD):
        return False
    try:
        sent = fall_back(row, at=at)
    except OmnichannelError as error:
        logger.warning("One-time password %s did not fall back: %s", row.pk, error)
        sent = None
    if sent is None or sent.code:  # a limit or its provider is in the way: it is not tried again
        OtpChallenge.objects.filter(pk=row.pk).update(fallback_at=None)
    return bool(sent and sent.success)


def fall_back(
    row: OtpChallenge,
    *,
    at: datetime.datetime,
    client_ip: str = "",
    is_asked_for: bool = False,
) -> Sent | None:
    """A new code by the other channel; None when there is no other, or it was settled meanwhile.

    `is_asked_for`: by its caller, so that the cool-down and all limits hold for it.

    Raises OtpRefused, InvalidMessage, InvalidSubmission.
    """
    if not row.fallback_to:
        return None
    other = OtpChannel.EMAIL if row.channel == OtpChannel.SMS else OtpChannel.SMS
    wanted = wanted_again(row, other, row.fallback_to, client_ip=client_ip)
    together = Together(row.group, fallback_of=row, is_asked_for=is_asked_for)
    issued = issuing.issue(wanted, together, at=at)
    if isinstance(issued, Refused):
        is_over = issued.refusal == Refusal.UNKNOWN
        return None if is_over else handing.told_refused(wanted, issued, at)
    trail.of_challenge(row, EntryKind.FELL_BACK, at=at, outcome=other)
    return handing.hand_over(wanted, issued, at=at)
