"""Wrong clocks, days of 23 and 25 hours, windows over midnight, schedulers beside one another."""

from __future__ import annotations

import datetime
import functools
import zoneinfo

import pytest
import time_machine
from django.utils import timezone

from campaigns import starting
from campaigns.choices import CampaignStatus
from campaigns.models import CampaignRun
from omnichannel import claims, delivery, recovery
from omnichannel.models import Lane, Message
from omnichannel.windows import is_open, next_opening
from tests.factories import make_message
from tests.factories_campaigns import make_campaign
from tests.faults.forked import Child
from tests.faults.rows import make_relay, queue

HOUR = datetime.timedelta(hours=1)
DAY = 24 * HOUR
ZONES = [
    "Europe/Berlin",
    "Europe/London",
    "Europe/Lisbon",
    "Europe/Kyiv",
    "Europe/Dublin",
    "Europe/Chisinau",
    "America/Halifax",
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Havana",
    "America/Nuuk",
    "America/Santiago",
    "America/Asuncion",
    "Atlantic/Azores",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Jerusalem",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Easter",
    "Antarctica/Troll",
]
WINDOWS = [(22, 6), (6, 22), (0, 2), (2, 3), (23, 0)]


@pytest.mark.fault(24)
@pytest.mark.parametrize("hours", [2, -2])
def test_a_wrong_clock_neither_steals_nor_keeps_a_lease(db, hours):
    message = make_message()
    with time_machine.travel(timezone.now() + hours * HOUR):
        claims.claim(Lane.objects.get(), 1, "worker with a wrong clock")

    recovery.recover(timezone.now())
    with time_machine.travel(timezone.now() + 2 * HOUR):
        recovery.recover(timezone.now())

    message.refresh_from_db()
    assert message.status == "sending"


@pytest.mark.fault(24)
@pytest.mark.parametrize("hours", [2, -2])
def test_workers_with_different_clocks_send_each_message_once(shared, wire, judged, hours):
    queue(make_relay(wire, bulk_no=5), 30, timezone.now())

    def with_a_wrong_clock():
        with time_machine.travel(timezone.now() + hours * HOUR):
            delivery.drain()
            recovery.recover(timezone.now())

    wrong = Child(with_a_wrong_clock)
    delivery.drain()
    recovery.recover(timezone.now())

    assert wrong.wait() == 0
    assert judged() == []
    assert set(Message.objects.values_list("status", flat=True)) == {"sent"}


@functools.cache
def changes_of(zone: str, year: int = 2026) -> list[datetime.datetime]:
    """The hours (UTC) after which the zone's offset is another one."""
    info = zoneinfo.ZoneInfo(zone)
    moment = datetime.datetime(year, 1, 1, tzinfo=datetime.UTC)
    found = []
    while moment.year == year:
        after = moment + HOUR
        if moment.astimezone(info).utcoffset() != after.astimezone(info).utcoffset():
            found.append(after)
        moment = after
    return found


def local(moment: datetime.datetime, zone: str) -> datetime.datetime:
    return moment.astimezone(zoneinfo.ZoneInfo(zone))


CHANGES = [(zone, change) for zone in ZONES for change in changes_of(zone)]


@pytest.mark.fault(25)
@pytest.mark.parametrize(("start", "end"), WINDOWS)
def test_windows_do_not_move_when_a_zone_changes_its_clocks(start, end):
    window = (datetime.time(start), datetime.time(end))
    assert len(CHANGES) >= 50
    for zone, change in CHANGES:
        hours = [change + n * HOUR for n in range(-24, 24)]

        opened = [is_open(local(hour, zone), *window) for hour in hours]

        assert opened == [is_open(hour, *window) for hour in hours]
        assert sum(opened) == 2 * ((end - start) % 24)  # whatever that zone's days last


@pytest.mark.fault(25)
@pytest.mark.parametrize(("start", "end"), WINDOWS)
def test_a_window_opens_once_in_each_24_hours_across_a_change(start, end):
    window = (datetime.time(start), datetime.time(end))
    for zone, change in CHANGES:
        hours = [local(change + n * HOUR, zone) for n in range(-48, 48)]

        openings = {next_opening(hour, *window) for hour in hours if not is_open(hour, *window)}

        assert all(opening.time() == window[0] for opening in openings)
        assert len(openings) in (4, 5)


@pytest.mark.fault(25)
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("which", [0, 1])
def test_a_campaign_of_the_hour_that_is_missing_or_comes_twice_starts_once(db, zone, which):
    info = zoneinfo.ZoneInfo(zone)
    change = changes_of(zone)[which]
    wanted = change.astimezone(info).replace(minute=30, tzinfo=None) - HOUR
    starts_at = wanted.replace(tzinfo=info)  # does not exist, or exists twice
    campaign = make_campaign(status=CampaignStatus.SCHEDULED, starts_at=starts_at)

    started = []
    for minutes in range(-180, 180, 10):
        at = change + datetime.timedelta(minutes=minutes)
        if starting.start_due(at):
            started.append(at)

    campaign.refresh_from_db()
    assert len(started) == 1
    assert CampaignRun.objects.count() == 1
    assert datetime.timedelta(0) <= started[0] - campaign.starts_at < datetime.timedelta(minutes=10)


@pytest.mark.fault(26)
def test_five_schedulers_at_once_start_each_campaign_once(shared):
    at = timezone.now()
    for number in range(6):
        make_campaign(
            status=CampaignStatus.SCHEDULED,
            starts_at=at - datetime.timedelta(seconds=number),
        )

    schedulers = [Child(lambda: starting.start_due(at)) for _ in range(5)]

    assert [scheduler.wait() for scheduler in schedulers] == [0] * 5
    assert CampaignRun.objects.count() == 6
    assert CampaignRun.objects.values("campaign").distinct().count() == 6
