"""Rates shared by all workers: a clock per scope that says when the next message may go."""

from __future__ import annotations

import datetime
import math

from omnichannel.choices import Category
from omnichannel.models import Lane, RateClock

SLICE = 0.5  # seconds of sending that one step may reserve: a pause takes effect within it
# Slices that these may take in advance: they never stand behind promotional messages, which wait
# until the clock has made up for it.
AHEAD = {Category.OTP: 2, Category.TRANSACTIONAL: 1}


def allowance(lane: Lane, wanted: int, at: datetime.datetime) -> int:
    """How many of `wanted` messages this lane may send now; 0: come back later.

    What is granted is taken off the lane's and the provider's clocks.
    """
    granted = wanted
    for scope, rate in (
        (f"lane:{lane.pk}", lane.rate_limit),
        (f"provider:{lane.provider_id}", lane.provider.rate_limit),
    ):
        if rate:
            ahead = AHEAD.get(Category(lane.category), 0)
            granted = take(scope, rate, granted, at, ahead=ahead)
    return granted


def take(scope: str, rate: int, wanted: int, at: datetime.datetime, *, ahead: int = 0) -> int:
    """Reserve up to `wanted` messages at `rate` per second; answer how many were granted.

    With `ahead`, also while the clock stands up to so many slices in the future.
    """
    count = min(wanted, max(1, math.floor(rate * SLICE)))
    if count < 1:
        return 0
    clock, _ = RateClock.objects.get_or_create(scope=scope, defaults={"free_at": at})
    # A slow rate's slice is the time of one message.
    if clock.free_at > at + datetime.timedelta(seconds=ahead * max(SLICE, 1 / rate)):
        return 0
    # A missed slice may be made up for, up to one slice: otherwise the rate is never reached.
    start = max(clock.free_at, at - datetime.timedelta(seconds=SLICE))
    free_at = start + datetime.timedelta(seconds=count / rate)
    taken = RateClock.objects.filter(pk=clock.pk, free_at=clock.free_at).update(free_at=free_at)
    return count if taken else 0
