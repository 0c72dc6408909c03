from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.days import SATURDAY_AND_SUNDAY, Days, closed_span, next_closed, next_open, start_of

UTC = datetime.UTC
DAY = datetime.timedelta(days=1)
HOUR = datetime.timedelta(hours=1)
MINUTE = datetime.timedelta(minutes=1)
# Clocks that change at night, at midnight, across it, by half an hour, and a skipped day.
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Beirut",
    "America/Havana",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Pacific/Kiritimati",
)
NEW_YEAR = datetime.date(2027, 1, 1)


def days(zone="UTC", weekend=SATURDAY_AND_SUNDAY, dates=(), yearly=()):
    return Days(
        ZoneInfo(zone),
        frozenset(weekend),
        {datetime.date.fromisoformat(day): f"on {day}" for day in dates},
        {pair: f"every {pair}" for pair in yearly},
    )


def at(text, zone="UTC"):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def slow(found, moment, *, is_open):
    """The first such minute: every minute is asked."""
    while found.is_open(moment) != is_open:
        moment += MINUTE
    return moment


@pytest.mark.parametrize("zone", ZONES)
def test_over_a_year_each_answer_is_the_first_such_minute(zone):
    found = days(zone, dates=["2026-05-14", "2026-05-15"], yearly=[(12, 25), (12, 26), (1, 1)])
    moment = datetime.datetime(2025, 12, 20, 7, 30, tzinfo=UTC)

    while moment.year < 2027:
        opening = slow(found, moment, is_open=True)
        closing = slow(found, moment, is_open=False)
        assert next_open(found, moment) == opening
        assert next_closed(found, moment) == closing
        moment = max(opening, closing) + 11 * HOUR


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("year", [2010, 2011, 2026])
def test_every_change_of_the_clocks_is_met(zone, year):
    zoned = ZoneInfo(zone)
    moment = datetime.datetime(year, 1, 1, tzinfo=UTC)
    changes = []
    while moment.year == year:
        if moment.astimezone(zoned).utcoffset() != (moment + HOUR).astimezone(zoned).utcoffset():
            changes.append(moment)
        moment += HOUR

    for change in changes:
        # Closed is the day before, the day itself or the day after, each by itself.
        for offset in (-1, 0, 1):
            day = change.astimezone(zoned).date() + offset * DAY
            found = days(zone, weekend=(), dates=[day.isoformat()])
            for hours in range(-50, 50, 3):
                moment = change + hours * HOUR
                assert next_open(found, moment) == slow(found, moment, is_open=True)


@pytest.mark.parametrize(
    ("day", "zone", "expected"),
    [
        ("2026-03-29", "Europe/Berlin", "2026-03-28T23:00"),
        ("2026-03-30", "Europe/Berlin", "2026-03-29T22:00"),
        ("2026-09-06", "America/Santiago", "2026-09-06T04:00"),  # there is no midnight
        ("2026-04-05", "America/Santiago", "2026-04-05T04:00"),  # the evening before came twice
        ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00"),  # there was no such day
    ],
)
def test_a_day_begins_at_its_first_moment(day, zone, expected):
    assert start_of(datetime.date.fromisoformat(day), ZoneInfo(zone)) == at(expected)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-12-25", "every (12, 25)"),
        ("2099-12-25", "every (12, 25)"),
        ("2026-05-14", "on 2026-05-14"),
        ("2027-05-14", ""),
        ("2026-05-16", "the weekend"),
        ("2028-02-29", "every (2, 29)"),
        ("2027-02-28", "the weekend"),
        ("2027-03-01", ""),
    ],
)
def test_a_closed_day_says_why(day, expected):
    found = days(dates=["2026-05-14"], yearly=[(12, 25), (2, 29)])

    assert found.reason(datetime.date.fromisoformat(day)) == expected


def test_a_day_is_the_zones_and_not_that_of_utc():
    found = days("Pacific/Kiritimati")  # 14 hours ahead

    assert not found.is_open(at("2026-11-27T10:00"))  # Saturday there
    assert found.is_open(at("2026-11-29T10:00"))  # Monday there


def test_days_in_a_row_are_one_span():
    found = days("Europe/Berlin", yearly=[(1, 1)])

    span = closed_span(found, at("2026-12-31T12:00", "Europe/Berlin"))

    assert span == (at("2027-01-01", "Europe/Berlin"), at("2027-01-04", "Europe/Berlin"))


def test_a_span_that_has_begun_is_told_from_its_beginning():
    found = days(yearly=[(1, 1)])

    assert closed_span(found, at("2027-01-03T09:00")) == (at("2027-01-01"), at("2027-01-04"))


def test_nothing_closed_has_no_span():
    assert closed_span(days(weekend=()), at("2027-01-01")) is None
    assert closed_span(days(weekend=(), dates=["2020-01-01"]), at("2027-01-01")) is None


def test_days_that_are_all_closed_have_no_opening():
    found = days(weekend=range(7))

    assert next_open(found, at("2027-01-01")) is None
    assert closed_span(found, at("2027-01-01"), longest=DAY, since=at("2027-01-01")) == (
        at("2027-01-01"),
        at("2027-01-02"),
    )


@pytest.mark.parametrize(
    ("moment", "since", "expected"),
    [
        # Friday 1 January to Sunday 3: what waits since their beginning goes after two days.
        ("2026-12-31T10:00", "2026-12-31", ("2027-01-01", "2027-01-03")),
        ("2027-01-02T23:59", "2026-12-31", ("2027-01-01", "2027-01-03")),
        # From then on it is open, and the next span is the next weekend's.
        ("2027-01-03T00:00", "2026-12-31", ("2027-01-09", "2027-01-11")),
        # It began to wait in the middle: it waits two days from then, or for Monday.
        ("2027-01-01T15:00", "2027-01-01T15:00", ("2027-01-01T15:00", "2027-01-03T15:00")),
        ("2027-01-02T15:00", "2027-01-02T15:00", ("2027-01-02T15:00", "2027-01-04")),
    ],
)
def test_what_waits_too_long_goes_anyway(moment, since, expected):
    found = days(yearly=[(1, 1)])

    span = closed_span(found, at(moment), since=at(since), longest=2 * DAY)

    assert span == tuple(map(at, expected))


moments = st.datetimes(
    datetime.datetime(2024, 1, 1), datetime.datetime(2030, 1, 1), timezones=st.just(UTC)
)


@given(
    moments,
    st.sampled_from(ZONES),
    st.sets(st.integers(0, 6), max_size=6),
    st.sets(st.integers(0, 20), max_size=12),
    st.none() | st.integers(1, 6),
)
def test_a_span_is_closed_throughout_and_open_right_after_it(moment, zone, weekend, offsets, most):
    dates = [(moment.date() + offset * DAY).isoformat() for offset in offsets]
    found = days(zone, weekend, dates)
    longest = most * DAY if most else None

    span = closed_span(found, moment, since=moment, longest=longest)

    if span is None:
        assert next_closed(found, moment) is None
        return
    start, end = span
    assert moment <= start < end
    assert start == next_closed(found, moment)
    step = (end - start) / 7
    assert not any(found.is_open(start + number * step) for number in range(7))
    if longest is None or end - start < longest:
        assert found.is_open(end)
    else:
        assert end - start == longest
