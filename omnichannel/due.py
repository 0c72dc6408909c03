"""The one number to alarm on: for how long has the oldest message that may go not gone?"""

from __future__ import annotations

import datetime

from omnichannel import lanes
from omnichannel.choices import Category
from omnichannel.models import Lane, Message
from omnichannel.windows import last_opening

# Rows looked at per lane, lowest id first: the one written first may have become ready last.
LOOKED_AT = 50
LONGEST_LIST = 200  # lanes
FIELDS = (
    "created_at",
    "starts_at",
    "due_at",
    "last_attempt_at",
    "attempts",
    "interval_min",
    "interval_max",
    "pool_time_retry",
)


def oldest_due(at: datetime.datetime) -> dict[str, float]:
    """Seconds by category, 0 where nothing waits: {"otp": 0.0, "promotional": 81.2, ...}.

    Counted are ready messages of streams that may be sent at `at` (UTC), each from the moment
    it could go, and messages whose moment has come without anybody making them ready. Messages
    of paused jobs, of providers that are stopped or rest, and outside a window are not due.
    """
    since: dict[str, datetime.datetime] = {}
    for lane in lanes.open_lanes(tuple(Category), at)[:LONGEST_LIST]:
        ready = _ready_since(lane, at)
        since[lane.category] = min(ready, since.get(lane.category, ready))
    late = Message.objects.due(at).order_by("due_at").only("category", "due_at").first()
    if late is not None and late.due_at is not None:
        since[late.category] = min(late.due_at, since.get(late.category, late.due_at))
    return {
        category: max(0.0, (at - since.get(category, at)).total_seconds())
        for category in Category.values
    }


def _ready_since(lane: Lane, at: datetime.datetime) -> datetime.datetime:
    """Since when the longest waiting of the lane's first messages could have gone."""
    provider = lane.provider
    openings = (
        lane.starts_at,
        lane.closed_until if lane.closed_until and lane.closed_until <= at else None,
        provider.resting_until,
        last_opening(at, provider.interval_min, provider.interval_max),
        last_opening(at, lane.interval_min, lane.interval_max),
    )
    first = Message.objects.ready().filter(lane=lane).order_by("id")
    ready = [_own_moment(row, lane, at) for row in first.only(*FIELDS)[:LOOKED_AT]]
    return _latest(min(ready, default=at), *openings)


def _own_moment(row: Message, lane: Lane, at: datetime.datetime) -> datetime.datetime:
    """When this message could go, as far as it is the message that says so."""
    wait = lane.provider.pool_time_retry if row.pool_time_retry is None else row.pool_time_retry
    retried = row.last_attempt_at + wait if row.attempts and row.last_attempt_at else None
    opened = last_opening(at, row.interval_min, row.interval_max)
    return min(at, _latest(row.created_at, row.starts_at, row.due_at, retried, opened))


def _latest(first: datetime.datetime, *others: datetime.datetime | None) -> datetime.datetime:
    return max([first, *(moment for moment in others if moment)])
