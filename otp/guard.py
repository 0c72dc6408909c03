"""What stands between a request and its code: blocks, countries, suppression, limits, conversion.

All of it is asked in the transaction that makes the code, with the counts locked.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import NamedTuple

from django.db import transaction

from omnichannel.choices import Category
from omnichannel.screening import suppressions_of
from otp import conversion, limits
from otp.choices import ChallengeStatus, OtpChannel, Refusal
from otp.limits import DAY, HOUR, Limit, Locked
from otp.models import BlockedPrefix, OtpChallenge
from otp.wanted import Wanted

# Nothing of these was of use to whoever asks again at once.
NO_WAIT = (ChallengeStatus.APPROVED, ChallengeStatus.FAILED)

MOST_GIVEN_BACK = 20  # counts of one destination within an hour


class Refused(NamedTuple):
    refusal: Refusal
    wait: float = 0.0  # seconds until it may be asked again; 0 when nobody knows


class Passed(NamedTuple):
    """`sends`: how many codes in a row this one makes."""

    sends: int


def check(
    wanted: Wanted,
    at: datetime.datetime,
    locked: Locked,
    *,
    before: OtpChallenge | None,
    is_fallback: bool = False,
) -> Refused | Passed:
    """Count the send, or say why there is none. `before`: the latest request for the same."""
    if wanted.fixed_code:  # of a test number, asked for with a test key
        return Passed(1)
    refusal = _barred(wanted, at)
    if refusal:
        return Refused(refusal)
    if not is_fallback and before and (wait := _cool_down(before, at)) > 0:
        return Refused(Refusal.COOL_DOWN, wait)
    if full := locked.full():
        return Refused(Refusal.TOO_MANY_SENDS, locked.wait(full))
    if wanted.channel == OtpChannel.SMS and conversion.judge(wanted, at):
        return Refused(Refusal.BLOCKED_PREFIX)
    locked.take()
    return Passed(_in_a_row(before, at))


def lock(wanted: Wanted, at: datetime.datetime, *, is_fallback: bool = False) -> Locked:
    """Until this transaction ends, no other one makes a code for the destination."""
    return Locked(_limits(wanted, is_fallback), at)


def give_back(wanted: Wanted, counted: Sequence[Limit], at: datetime.datetime) -> None:
    """Its code was handed to nobody. Who asks again and again all the same is counted at last."""
    if counted:
        to, is_test = wanted.destination.mailbox, wanted.is_test
        bound = limits.limit("given_back", to, MOST_GIVEN_BACK, HOUR, is_test=is_test)
        with transaction.atomic():
            Locked([*counted, bound], at).give_back(bound)


def _barred(wanted: Wanted, at: datetime.datetime) -> Refusal | None:
    to = wanted.destination
    if BlockedPrefix.objects.in_force(at).filter(prefix__in=to.beginnings).exists():
        return Refusal.BLOCKED_PREFIX
    if to.is_expensive:
        return Refusal.PREMIUM
    if to.channel == OtpChannel.SMS and to.country not in wanted.configuration.allowed_countries:
        return Refusal.COUNTRY
    found = suppressions_of(to.channel, {to.address})
    if (to.address, "") in found or (to.address, Category.OTP) in found:
        return Refusal.SUPPRESSED
    return None


def _cool_down(before: OtpChallenge, at: datetime.datetime) -> float:
    if before.status in NO_WAIT:
        return 0.0
    return (before.resend_at - at).total_seconds()


def _in_a_row(before: OtpChallenge | None, at: datetime.datetime) -> int:
    if before is None or before.status == ChallengeStatus.APPROVED or before.sent_at <= at - HOUR:
        return 1
    return before.sends + (before.status != ChallengeStatus.FAILED)


def _limits(wanted: Wanted, is_fallback: bool) -> list[Limit]:
    by, to, is_test = wanted.configuration, wanted.destination, wanted.is_test
    hourly, daily = by.sends_per_destination_hour, by.sends_per_destination_day
    found = [
        limits.limit("destination_hour", to.mailbox, hourly, HOUR, is_test=is_test),
        limits.limit("destination_day", to.mailbox, daily, DAY, is_test=is_test),
    ]
    if wanted.client_ip and not is_fallback:
        network = limits.network(wanted.client_ip)
        found.append(limits.limit("ip", network, by.sends_per_ip_hour, HOUR, is_test=is_test))
    if to.channel == OtpChannel.SMS:
        most = by.sends_per_prefix_hour
        found.append(limits.limit("prefix", to.prefix, most, HOUR, is_test=is_test))
    if by.sends_per_day:
        found.append(limits.limit("purpose", by.purpose, by.sends_per_day, DAY, is_test=is_test))
    return found
