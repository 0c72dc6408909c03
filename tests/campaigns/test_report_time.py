from __future__ import annotations

import pytest

from campaigns.report_time import of_hours


def test_there_is_no_gap_between_two_hours():
    found = of_hours([("2026-03-02 23", "sent", 2), ("2026-03-03 01", "opened", 1)])

    assert found.unit == "hour"
    assert found.labels == ("2026-03-02 23", "2026-03-03 00", "2026-03-03 01")
    assert found.values["sent"] == (2, 0, 0)
    assert found.values["opened"] == (0, 0, 1)


@pytest.mark.parametrize(
    ("last", "unit", "labels"),
    [
        ("2026-03-05 12", "hour", 73),
        ("2026-03-05 13", "day", 4),
        ("2027-03-02 11", "day", 366),
        ("2027-12-01 00", "month", 22),
    ],
)
def test_a_longer_time_has_longer_steps(last, unit, labels):
    found = of_hours([("2026-03-02 12", "sent", 1), (last, "opened", 2)])

    assert (found.unit, len(found.labels)) == (unit, labels)
    assert found.values["sent"][0] == 1
    assert found.values["opened"][-1] == 2


def test_a_clock_that_is_centuries_off_makes_no_long_line():
    found = of_hours([("0001-01-01 00", "sent", 1), ("9999-12-31 23", "opened", 2)])

    assert found.labels == ("0001-01", "9999-12")
    assert found.values["opened"] == (0, 2)


def test_nothing_is_no_line():
    assert of_hours([]).labels == ()
