from __future__ import annotations

import datetime

import pytest
import time_machine
from django.core.cache import cache

from campaigns import expansion, progress, resending, runner
from campaigns.models import Campaign
from campaigns.preflight import check
from omnichannel import backends
from omnichannel.delivery import drain
from omnichannel.due import oldest_due
from omnichannel.models import Lane, Message
from tests.factories import make_provider
from tests.factories_campaigns import make_calendar, make_campaign, make_people
from tests.omnichannel.scripted import Scripted, accept

pytestmark = pytest.mark.django_db

T = datetime.time
SECOND = datetime.timedelta(seconds=1)
FAR = 10.0**12  # time.monotonic() is travelled with


def at(text):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


FRIDAY = at("2026-03-06T12:00")
SATURDAY = at("2026-03-07T12:00")
MONDAY = at("2026-03-09T00:00")


@pytest.fixture(autouse=True)
def scripted(monkeypatch):
    known = {**backends.registry(), Scripted.slug: Scripted}
    monkeypatch.setattr(backends, "registry", lambda: known)
    Scripted.seen = []
    Scripted.answer = staticmethod(accept)
    cache.clear()
    return Scripted


@pytest.fixture
def clock():
    with time_machine.travel(FRIDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def links_that_recipients_reach(settings):
    """Without, every campaign is warned of."""
    settings.PUBLIC_URL = "https://studio.example.com"


def make_waiting(**values):
    """A campaign to three people that sends on no weekend and no holiday."""
    values.setdefault("provider", make_provider(backend="scripted", days_before_expire=None))
    people = make_people(f"p{number}@example.com" for number in range(3))
    values = {"audience": people, "on_weekends": "after", "on_holidays": "after", **values}
    return make_campaign(**values)


def start(campaign, moment):
    job = runner.start(campaign, by=None, at=moment)
    expansion.expand(job, at=moment, until=FAR)
    return job


def sent_by(clock, moment, *, tick=True):
    """How many messages have gone in all, when somebody looks at this moment."""
    clock.move_to(moment)
    if tick:
        progress.follow(moment)
    drain()
    return len(Scripted.seen)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"])
def test_a_campaign_started_on_a_weekend_goes_when_monday_begins(clock, zone):
    monday = datetime.datetime.fromisoformat("2026-03-09T00:00")
    opening = (
        monday.replace(tzinfo=datetime.UTC)
        - {
            "UTC": datetime.timedelta(0),
            "Europe/Berlin": datetime.timedelta(hours=1),
            "America/New_York": datetime.timedelta(hours=-4),  # the clocks changed on Sunday
            "Asia/Kathmandu": datetime.timedelta(hours=5, minutes=45),
        }[zone]
    )
    clock.move_to(SATURDAY)
    start(make_waiting(calendar=make_calendar(time_zone=zone)), SATURDAY)

    assert sent_by(clock, SATURDAY) == 0
    assert sent_by(clock, opening - SECOND) == 0
    assert sent_by(clock, opening) == 3


def test_without_a_calendar_the_weekend_is_saturday_and_sunday_in_utc(clock):
    clock.move_to(SATURDAY)
    start(make_waiting(), SATURDAY)

    assert sent_by(clock, MONDAY - SECOND) == 0
    assert sent_by(clock, MONDAY) == 3


def test_closed_days_are_kept_to_without_any_tick(clock):
    start(make_waiting(provider=make_provider(backend="scripted")), FRIDAY)
    Lane.objects.update(is_paused=True)
    sent_by(clock, at("2026-03-06T23:59:59"), tick=False)
    Lane.objects.update(is_paused=False)

    assert sent_by(clock, at("2026-03-07T00:00:00"), tick=False) == 0
    assert sent_by(clock, MONDAY - SECOND, tick=False) == 0
    assert sent_by(clock, MONDAY, tick=False) == 3


def test_a_campaign_that_runs_into_a_holiday_stops_at_midnight_between_two_messages(clock):
    campaign = make_waiting(calendar=make_calendar("2026-03-10", weekend=[]))
    clock.move_to(at("2026-03-09T23:59:59"))
    start(campaign, at("2026-03-09T23:59:59"))

    def answer(message):
        clock.move_to(at("2026-03-10T00:00:00"))
        return accept(message)

    Scripted.answer = staticmethod(answer)
    drain()

    assert len(Scripted.seen) == 1
    assert sorted(Message.objects.values_list("status", flat=True)) == ["new", "new", "sent"]
    assert sent_by(clock, at("2026-03-10T23:59:59")) == 1
    assert sent_by(clock, at("2026-03-11T00:00:00")) == 3


def test_the_next_closed_days_are_known_after_the_last_ones_are_over(clock):
    campaign = make_waiting(calendar=make_calendar("03-10"))
    clock.move_to(SATURDAY)
    start(campaign, SATURDAY)
    Scripted.answer = staticmethod(accept)
    progress.follow(MONDAY + SECOND)

    lane = Lane.objects.get()

    assert (lane.closed_from, lane.closed_until) == (at("2026-03-10"), at("2026-03-11"))


def test_what_waited_for_monday_is_due_since_monday(clock):
    clock.move_to(SATURDAY)
    start(make_waiting(), SATURDAY)

    assert oldest_due(SATURDAY)["promotional"] == 0
    assert oldest_due(MONDAY - SECOND)["promotional"] == 0
    assert oldest_due(MONDAY + 5 * SECOND)["promotional"] == 5
    progress.follow(MONDAY + 6 * SECOND)
    assert oldest_due(MONDAY + 7 * SECOND)["promotional"] == 7


@pytest.mark.parametrize("days", [1, 2])
def test_after_the_maximum_delay_it_goes_anyway(clock, days):
    campaign = make_waiting(calendar=make_calendar("2026-03-09"), max_delay_days=days)
    clock.move_to(SATURDAY)
    start(campaign, SATURDAY)
    goes = SATURDAY + datetime.timedelta(days=days)

    assert sent_by(clock, goes - SECOND) == 0
    assert sent_by(clock, goes) == 3


def test_it_goes_on_inside_the_providers_hours(clock):
    provider = make_provider(
        backend="scripted", interval_min=T(8), interval_max=T(18), days_before_expire=None
    )
    clock.move_to(SATURDAY)
    start(make_waiting(provider=provider), SATURDAY)

    assert sent_by(clock, at("2026-03-09T07:59:59")) == 0
    assert sent_by(clock, at("2026-03-09T08:00:00")) == 3


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, 0),
        ({"on_weekends": "send"}, 3),
        ({"on_weekends": "send", "on_holidays": "send"}, 3),
    ],
)
def test_only_what_is_chosen_is_waited_for(clock, values, expected):
    clock.move_to(SATURDAY)
    start(make_waiting(calendar=make_calendar("2026-03-06"), **values), SATURDAY)

    assert sent_by(clock, SATURDAY) == expected


def test_a_holiday_entered_while_a_campaign_runs_is_heeded(clock):
    calendar = make_calendar()
    start(make_waiting(calendar=calendar), FRIDAY)
    calendar.holidays.create(date="2026-03-06", name="Forgotten day")

    assert sent_by(clock, FRIDAY) == 0

    calendar.holidays.all().delete()
    assert sent_by(clock, FRIDAY + SECOND) == 3


def test_sending_again_waits_for_an_open_day_too(clock):
    campaign = make_waiting()
    start(campaign, FRIDAY)
    sent_by(clock, FRIDAY + SECOND)
    Message.objects.update(status="failed")
    progress.follow(FRIDAY + 10 * SECOND)
    next_saturday = SATURDAY + datetime.timedelta(days=7)
    clock.move_to(next_saturday)

    resending.ask(Campaign.objects.get(), uncertain=False, at=next_saturday)

    assert sent_by(clock, next_saturday, tick=False) == 3
    assert sent_by(clock, MONDAY + datetime.timedelta(days=7)) == 6


def test_a_calendar_whose_zone_is_gone_stops_no_other_campaign(clock):
    broken = make_waiting(calendar=make_calendar(time_zone="Atlantis/Capital"))
    clock.move_to(SATURDAY)
    start(broken, SATURDAY)
    start(make_waiting(on_weekends="send"), SATURDAY)

    assert sent_by(clock, SATURDAY) == 3


def warnings_of(campaign, moment):
    return " ".join(check(campaign, moment).warnings)


def test_the_start_says_when_it_will_really_be():
    calendar = make_calendar("01-01", time_zone="Europe/Berlin")
    campaign = make_waiting(calendar=calendar)

    found = check(campaign, at("2027-01-01T09:00"))

    assert found.starts == at("2027-01-03T23:00")
    assert found.warnings == [
        "Friday 1 January is closed (Feast 01-01): the first message goes on "
        "Monday 4 January, 00:00 (Europe/Berlin)."
    ]


def test_the_start_takes_the_providers_hours_into_account():
    provider = make_provider(interval_min=T(8), interval_max=T(18), days_before_expire=None)
    campaign = make_waiting(provider=provider)

    found = check(campaign, at("2026-03-06T19:00"))  # the next opening is on a Saturday

    assert found.starts == at("2026-03-09T08:00")
    assert "Saturday 7 March is closed (the weekend)" in " ".join(found.warnings)
    assert len(found.warnings) == 1


@pytest.mark.parametrize(
    ("values", "days", "expected"),
    [
        ({"ends_at": MONDAY}, None, True),
        ({"ends_at": MONDAY + SECOND}, None, False),
        ({}, 1, True),
        ({}, 2, False),
        ({"max_delay_days": 1}, 2, False),
    ],
)
def test_a_start_that_would_only_expire_is_warned_of(values, days, expected):
    campaign = make_waiting(provider=make_provider(days_before_expire=days), **values)

    assert ("Nothing would be sent" in warnings_of(campaign, SATURDAY)) == expected


def test_a_start_on_an_open_day_is_not_warned_of():
    assert warnings_of(make_waiting(), FRIDAY) == ""


def test_the_end_of_the_maximum_delay_is_told():
    campaign = make_waiting(max_delay_days=1)

    assert "Sunday 8 March, 12:00 (UTC), when its maximum delay is over" in warnings_of(
        campaign, SATURDAY
    )


def test_a_clone_keeps_its_days():
    calendar = make_calendar()
    campaign = make_waiting(calendar=calendar, max_delay_days=5, is_cap_exempt=True)

    copy = Campaign.objects.get(pk=runner.clone(campaign, by=None).pk)

    kept = (copy.calendar, copy.on_weekends, copy.on_holidays, copy.max_delay_days)
    assert kept == (calendar, "after", "after", 5)
    assert copy.is_cap_exempt


def test_a_run_keeps_what_the_campaign_says_about_the_cap():
    job = runner.start(make_waiting(max_delay_days=5, is_cap_exempt=True), by=None, at=FRIDAY)

    assert (job.max_delay_days, job.is_cap_exempt) == (5, True)
