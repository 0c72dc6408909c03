"""Days on which nothing goes, in the zone of those who are written to: pure time, no rows.

A day is what the zone's calendar says: 23, 24 or 25 hours, begun at its first moment even where the
clocks skip midnight. All moments given are aware; all answered are in UTC.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

SATURDAY_AND_SUNDAY = frozenset({5, 6})  # as date.weekday() counts
WEEKEND = "the weekend"
LOOK_AHEAD = 400  # days: every weekday and every yearly holiday lies in them
ONE_DAY = datetime.timedelta(days=1)

Span = tuple[datetime.datetime, datetime.datetime]


@dataclass(frozen=True)
class Days:
    """Which days are closed, and why."""

    zone: ZoneInfo
    weekend: frozenset[int] = frozenset()
    dates: Mapping[datetime.date, str] = field(default_factory=dict)
    yearly: Mapping[tuple[int, int], str] = field(default_factory=dict)  # (month, day): name

    def reason(self, day: datetime.date) -> str:
        """Why the day is closed: a holiday's name, or that it is a weekend; empty: it is open."""
        name = self.dates.get(day) or self.yearly.get((day.month, day.day))
        if name:
            return name
        return WEEKEND if day.weekday() in self.weekend else ""

    def local(self, at: datetime.datetime) -> datetime.datetime:
        return at.astimezone(self.zone)

    def is_open(self, at: datetime.datetime) -> bool:
        return not self.reason(self.local(at).date())


def start_of(day: datetime.date, zone: ZoneInfo) -> datetime.datetime:
    """The first moment of a day. Of a day that a zone skipped, that of the one after it."""
    # A midnight that does not exist is taken by the offset before it: the moment of the change.
    return datetime.datetime.combine(day, datetime.time(0), zone).astimezone(datetime.UTC)


def next_open(days: Days, at: datetime.datetime) -> datetime.datetime | None:
    """The first moment from `at` on that lies on an open day; None: there is none in a year."""
    return _first(days, at, wanted=True)


def next_closed(days: Days, at: datetime.datetime) -> datetime.datetime | None:
    """The first moment from `at` on that lies on a closed day; None: there is none in a year."""
    return _first(days, at, wanted=False)


def closed_span(
    days: Days,
    at: datetime.datetime,
    *,
    since: datetime.datetime | None = None,
    longest: datetime.timedelta | None = None,
) -> Span | None:
    """The closed time that `at` lies in, else the next one: from its start to the next open day.

    What began to wait at `since` or later waits for `longest` at most: the span ends then, and
    what is left of the closed days in a row is open. None: nothing is closed in a year.
    """
    moment: datetime.datetime | None = at.astimezone(datetime.UTC)
    while moment and (closed := next_closed(days, moment)):
        start = _closed_since(days, closed) if closed == moment else closed
        start = max(start, since or start)
        end = next_open(days, closed)
        last = start + (longest or LOOK_AHEAD * ONE_DAY)
        if last > moment:
            return start, min(end or last, last)
        moment = end
    return None


def _closed_since(days: Days, at: datetime.datetime) -> datetime.datetime:
    """The beginning of the closed days in a row that `at` lies in."""
    start = start_of(days.local(at).date(), days.zone)
    for _ in range(LOOK_AHEAD):
        before = start - datetime.timedelta(microseconds=1)
        if days.is_open(before):
            break
        start = start_of(days.local(before).date(), days.zone)
    return start


def _first(days: Days, at: datetime.datetime, *, wanted: bool) -> datetime.datetime | None:
    moment = at.astimezone(datetime.UTC)
    for _ in range(LOOK_AHEAD):
        if days.is_open(moment) == wanted:
            return moment
        moment = _next_day(days, moment)
    return None


def _next_day(days: Days, moment: datetime.datetime) -> datetime.datetime:
    """When the local date changes next after `moment`."""
    tomorrow = days.local(moment).date() + ONE_DAY
    start = start_of(tomorrow, days.zone)
    if start > moment:
        return start
    # The clocks went back over midnight: the day begins for the second time.
    midnight = datetime.datetime.combine(tomorrow, datetime.time(0), days.zone)
    return midnight.replace(fold=1).astimezone(datetime.UTC)
