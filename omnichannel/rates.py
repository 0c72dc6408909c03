"""Rates shared by all workers: a clock per scope that says when the next message may go."""

from __future__ import annotations

import datetime
import math

from django.db.models import DateTimeField, F, Value
from django.db.models.functions import Greatest

from omnichannel.choices import Category
from omnichannel.models import Lane, RateClock

SLICE = 0.5  # seconds of sending that one step may reserve: a pause takes effect within it
# Slices that these may take in advance: they never stand behind promotional messages, which wait
# until the clock has made up for it.
AHEAD = {Category.OTP: 2, Category.TRANSACTIONAL: 1}
AT_ONCE = 1  # more, for a password that somebody waits for: those of the queue leave it free


def allowance(
    lane: Lane, wanted: int, at: datetime.datetime, *, is_waited_for: bool = False
) -> int:
    """How many of `wanted` messages this lane may send now; 0: come back later.

    What is granted is taken off the lane's and the provider's clocks.
    """
    ahead = AHEAD.get(Category(lane.category), 0)
    if is_waited_for and lane.category == Category.OTP:
        ahead += AT_ONCE
    taken: list[tuple[str, int, int]] = []
    for scope, rate in _clocks(lane):
        wanted = take(scope, rate, wanted, at, ahead=ahead)
        taken.append((scope, rate, wanted))
    for scope, rate, count in taken:  # the lower limit decides
        put_back(scope, rate, count - wanted)
    return wanted


def give_back(lane: Lane, count: int) -> None:
    """So many of what was granted are not sent: nobody waits for their time."""
    for scope, rate in _clocks(lane):
        put_back(scope, rate, count)


def _clocks(lane: Lane) -> list[tuple[str, int]]:
    """(scope, messages per second) of the limits that it has."""
    found = (
        (f"lane:{lane.pk}", lane.rate_limit),
        (f"provider:{lane.provider_id}", lane.provider.rate_limit),
    )
    return [(scope, rate) for scope, rate in found if rate]


def take(scope: str, rate: int, wanted: int, at: datetime.datetime, *, ahead: int = 0) -> int:
    """Reserve up to `wanted` messages at `rate` per second; answer how many were granted.

    With `ahead`, also while the clock stands up to so many slices in the future.
    """
    count = min(wanted, max(1, math.floor(rate * SLICE)))
    if count < 1:
        return 0
    # A slow rate's slice is the time of one message.
    latest = at + datetime.timedelta(seconds=ahead * max(SLICE, 1 / rate))
    # A missed slice may be made up for, up to one slice: otherwise the rate is never reached.
    earliest = Value(at - datetime.timedelta(seconds=SLICE), DateTimeField())
    time = datetime.timedelta(seconds=count / rate)
    RateClock.objects.get_or_create(scope=scope, defaults={"free_at": at})
    # One statement: nobody gets between reading the clock and moving it.
    free = RateClock.objects.filter(scope=scope, free_at__lte=latest)
    return count if free.update(free_at=Greatest(F("free_at"), earliest) + time) else 0


def put_back(scope: str, rate: int, count: int) -> None:
    """So many of what was taken are not sent."""
    if count > 0:
        time = datetime.timedelta(seconds=count / rate)
        RateClock.objects.filter(scope=scope).update(free_at=F("free_at") - time)
