from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnichannel.windows import is_open, next_common_opening, next_opening

T = datetime.time
DAY = datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC)


def at(text: str) -> datetime.datetime:
    return datetime.datetime.combine(DAY.date(), T.fromisoformat(text), datetime.UTC)


@pytest.mark.parametrize(
    ("moment", "minimum", "maximum", "expected"),
    [
        ("12:00", None, None, True),
        ("08:00", T(8), T(17), True),
        ("07:59:59", T(8), T(17), False),
        ("17:00", T(8), T(17), False),
        ("16:59:59", T(8), T(17), True),
        ("23:00", T(22), T(6), True),
        ("05:59", T(22), T(6), True),
        ("06:00", T(22), T(6), False),
        ("12:00", T(22), T(6), False),
        ("23:59", T(8), None, True),
        ("07:00", T(8), None, False),
        ("07:00", None, T(8), True),
        ("08:00", None, T(8), False),
        ("23:00", T(22), T(0), True),
        ("00:00", T(22), T(0), False),
    ],
)
@pytest.mark.fault(25)
def test_window_is_start_inclusive_end_exclusive_and_may_span_midnight(
    moment, minimum, maximum, expected
):
    assert is_open(at(moment), minimum, maximum) is expected


def test_a_moment_in_another_zone_is_judged_in_utc():
    zone = datetime.timezone(datetime.timedelta(hours=5))

    assert is_open(datetime.datetime(2026, 3, 2, 14, 0, tzinfo=zone), T(9), T(10))


minutes = st.integers(0, 24 * 60 - 1).map(lambda n: T(n // 60, n % 60))
sides = st.none() | minutes


@given(minutes, sides, sides)
def test_next_opening_is_the_first_open_minute(moment, minimum, maximum):
    if minimum == maximum and minimum is not None:
        return
    if (minimum or T(0)) == (maximum or T(0)) and maximum is not None:
        return
    start = datetime.datetime.combine(DAY.date(), moment, datetime.UTC)
    step = datetime.timedelta(minutes=1)
    slow = start
    while not is_open(slow, minimum, maximum):
        slow += step

    assert next_opening(start, minimum, maximum) == slow


def test_common_opening_of_two_windows_is_when_both_are_open():
    found = next_common_opening(at("07:00"), (T(8), T(12)), (T(10), T(18)))

    assert found == at("10:00")


def test_windows_that_never_overlap_have_no_common_opening():
    assert next_common_opening(at("07:00"), (T(8), T(10)), (T(12), T(14))) is None
