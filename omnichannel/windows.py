"""Daily sending windows in UTC: pure time, no rows.

A window is (minimum, maximum): start inclusive, end exclusive. A missing side is the day's own
edge; minimum > maximum spans midnight. Equal sides are refused when a row is saved.
"""

from __future__ import annotations

import datetime

Window = tuple[datetime.time | None, datetime.time | None]

MIDNIGHT = datetime.time(0)


def is_open(
    at: datetime.datetime, minimum: datetime.time | None, maximum: datetime.time | None
) -> bool:
    """May something go at the given moment?"""
    if minimum is None and maximum is None:
        return True
    time = at.astimezone(datetime.UTC).time()
    start = minimum or MIDNIGHT
    if maximum is None or maximum == MIDNIGHT:
        return time >= start
    if start <= maximum:
        return start <= time < maximum
    return time >= start or time < maximum


def next_opening(
    at: datetime.datetime, minimum: datetime.time | None, maximum: datetime.time | None
) -> datetime.datetime:
    """The first moment from `at` on (UTC) at which the window is open."""
    at = at.astimezone(datetime.UTC)
    if is_open(at, minimum, maximum):
        return at
    start = datetime.datetime.combine(at.date(), minimum or MIDNIGHT, datetime.UTC)
    return start if start > at else start + datetime.timedelta(days=1)


def last_opening(
    at: datetime.datetime, minimum: datetime.time | None, maximum: datetime.time | None
) -> datetime.datetime | None:
    """Since when (UTC) the window has been open; None: it never closes, or it is closed now."""
    at = at.astimezone(datetime.UTC)
    all_day = (minimum or MIDNIGHT) == MIDNIGHT and (maximum or MIDNIGHT) == MIDNIGHT
    if all_day or not is_open(at, minimum, maximum):
        return None
    start = datetime.datetime.combine(at.date(), minimum or MIDNIGHT, datetime.UTC)
    return start if start <= at else start - datetime.timedelta(days=1)


def next_common_opening(at: datetime.datetime, *windows: Window) -> datetime.datetime | None:
    """The first moment from `at` on at which all windows are open; None when there is none."""
    moment = at
    for _ in range(2 * len(windows) + 1):
        later = max(next_opening(moment, *window) for window in windows)
        if later == moment:
            return moment
        moment = later
    return None
