from __future__ import annotations

import datetime

import pytest

from campaigns.holiday_dates import MAX_LINES, InvalidDates, Pasted, read

MAY = datetime.date(2027, 5, 6)


@pytest.mark.parametrize(
    "text",
    [
        "2027-05-06; Founders' day; yearly",
        "2027-05-06,Founders' day,Yearly",
        "2027-05-06\tFounders' day\tevery year",
        "\n  2027-05-06 ;Founders' day;YEARLY;  \n\n",
        "2027-05-06; Founders' day; yearly\n2027-05-06; Again",
    ],
)
def test_dates_are_read_as_people_have_them(text):
    assert read(text) == [Pasted(MAY, "Founders' day", True)]


def test_a_date_without_the_word_is_once():
    assert read("2027-05-06; May\n2028-05-06; May") == [
        Pasted(MAY, "May", False),
        Pasted(datetime.date(2028, 5, 6), "May", False),
    ]


def test_a_name_may_be_quoted():
    assert read('2027-05-06,"Day of Ana, Ben and Cleo"') == [
        Pasted(MAY, "Day of Ana, Ben and Cleo", False)
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2027-05-06; May\n\n06.05.2027; May", "Line 3: “06.05.2027” is no date"),
        ("2027-02-29; Leap day", "Line 1: “2027-02-29” is no date"),
        ("2027-05-06", "Line 1: the name is missing"),
        ("2027-05-06; ; yearly", "Line 1: the name is missing"),
        ("2027-05-06; May; sometimes", "Line 1: after the name comes the word yearly"),
        ("2027-05-06; May; yearly; yearly", "Line 1: after the name"),
        (f"2027-05-06; {'x' * 121}", "more than 120 characters"),
        ('"', "Line 1: “” is no date"),
        ("2027-05-06; May\n" * (MAX_LINES + 1), "at most 500 lines"),
        ("a" * 5000, "is no date"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(text, told):
    with pytest.raises(InvalidDates, match=told):
        read(text)


def test_an_empty_field_has_no_dates():
    assert read("") == read("\n \n") == []
