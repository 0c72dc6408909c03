"""Campaigns that wait for an open day: their calendar, and the closed time of their lanes.

A lane knows the closed time that it is in, or the next one, and keeps to it by itself, to the
moment. The tick that follows running jobs only has to give it the one after that.
"""

from __future__ import annotations

import datetime
import logging
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import F, Q

from campaigns.choices import OnClosedDay, Weekday
from campaigns.days import Days, Span, closed_span
from campaigns.models import Campaign, CampaignRun, HolidayCalendar
from omnichannel.choices import JobStatus
from omnichannel.models import Job, Lane
from omnichannel.windows import Window, next_common_opening, next_opening

logger = logging.getLogger(__name__)

LOOKED_AT = 400  # closed times before a first moment
WAITING = Q(campaign__on_weekends=OnClosedDay.SEND_AFTER) | Q(
    campaign__on_holidays=OnClosedDay.SEND_AFTER
)


@dataclass(frozen=True)
class Delay:
    """Closed days put sending off: why, until when (UTC; None: for ever), and that in words."""

    why: str
    until: datetime.datetime | None
    when: str


def days_of(campaign: Campaign) -> Days | None:
    """The days on which nothing of the campaign goes; None: it waits for none."""
    weekends = campaign.on_weekends == OnClosedDay.SEND_AFTER
    holidays = campaign.on_holidays == OnClosedDay.SEND_AFTER
    if not (weekends or holidays):
        return None
    if campaign.calendar is None:
        usual = frozenset({Weekday.SATURDAY.value, Weekday.SUNDAY.value})
        return Days(ZoneInfo("UTC"), usual if weekends else frozenset())
    return _days(campaign.calendar, weekends=weekends, holidays=holidays)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):  # the machine's list of zones has changed
        logger.error("There is no time zone %s: its calendars are read in UTC.", name)
        return ZoneInfo("UTC")


def _days(calendar: HolidayCalendar, *, weekends: bool, holidays: bool) -> Days:
    dates, yearly = {}, {}
    for holiday in calendar.holidays.all() if holidays else ():
        if holiday.is_yearly:
            yearly[(holiday.date.month, holiday.date.day)] = holiday.name
        else:
            dates[holiday.date] = holiday.name
    closed = frozenset(calendar.weekend if weekends else ())
    return Days(_zone(calendar.time_zone), closed, dates, yearly)


def closed_time(campaign: Campaign, at: datetime.datetime, since: datetime.datetime) -> Span | None:
    """The closed time that `at` lies in, else the next one, of a run that began at `since`."""
    days = days_of(campaign)
    longest = campaign.max_delay_days and datetime.timedelta(days=campaign.max_delay_days)
    return closed_span(days, at, since=since, longest=longest or None) if days else None


def first_moment(
    campaign: Campaign, at: datetime.datetime, since: datetime.datetime, window: Window
) -> datetime.datetime | None:
    """The first moment from `at` on at which a run that began at `since` may send: on an open day
    and inside the window. None: there is no such moment.
    """
    moment = next_common_opening(at, window)
    for _ in range(LOOKED_AT):
        span = closed_time(campaign, moment, since) if moment else None
        if moment is None or span is None or moment < span[0]:
            return moment
        moment = next_common_opening(span[1], window)
    return None


def hold(campaign: Campaign, job: Job, at: datetime.datetime) -> None:
    """Give the job's lanes their closed time. A time that is over becomes their start.

    Messages that waited for it are due from then on, and not since they were written.
    """
    lanes = Lane.objects.filter(job=job)
    over = lanes.filter(closed_until__lte=at).exclude(starts_at__gte=F("closed_until"))
    over.update(starts_at=F("closed_until"))
    start, end = closed_time(campaign, at, job.started_at or at) or (None, None)
    lanes.exclude(closed_from=start, closed_until=end).update(closed_from=start, closed_until=end)


def follow(at: datetime.datetime) -> None:
    """Keep the closed times of running jobs, also after a change of their calendar."""
    runs = CampaignRun.objects.filter(WAITING, job__status__in=JobStatus.active())
    found = runs.select_related("job", "campaign__calendar").defer("job__context")
    for run in found.prefetch_related("campaign__calendar__holidays"):
        hold(run.campaign, run.job, at)


def told(days: Days, at: datetime.datetime) -> str:
    """A moment in words, in the zone of those who are written to."""
    return f"{days.local(at):%A %-d %B, %H:%M} ({days.zone.key})"


def delay(
    campaign: Campaign, at: datetime.datetime, since: datetime.datetime, window: Window
) -> Delay | None:
    """What closed days do to a run that would send at `at`, or else when its window opens.

    None: nothing.
    """
    days, plain = days_of(campaign), next_opening(at, *window)
    until = first_moment(campaign, at, since, window) if days else plain
    if days is None or until == plain:
        return None
    day = days.local(plain).date()
    why = f"{day:%A %-d %B} is closed ({days.reason(day)})"
    return Delay(why, until, _when(days, until) if until else "never")


def _when(days: Days, until: datetime.datetime) -> str:
    end = "" if days.is_open(until) else ", when its maximum delay is over"
    return f"on {told(days, until)}{end}"
