from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnichannel.sms_text import BASIC, EXTENDED, measure


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts", "left"),
    [
        ("", "GSM-7", 0, 0, 160),
        ("a" * 160, "GSM-7", 160, 1, 0),
        ("a" * 161, "GSM-7", 161, 2, 145),
        ("a" * 306, "GSM-7", 306, 2, 0),
        ("a" * 307, "GSM-7", 307, 3, 152),
        ("€" * 80, "GSM-7", 160, 1, 0),
        ("€" * 81, "GSM-7", 162, 2, 143),
        ("ț" * 70, "UCS-2", 70, 1, 0),
        ("ț" * 71, "UCS-2", 71, 2, 63),
        ("😀" * 35, "UCS-2", 70, 1, 0),
        ("😀" * 36, "UCS-2", 72, 2, 61),
    ],
)
def test_parts_are_counted_as_on_the_wire(text, encoding, units, parts, left):
    assert measure(text)[:4] == (encoding, units, parts, left)


def test_no_part_ends_inside_an_escape():
    # 153 septets a part: the euro sign at the end of each does not fit, so three parts.
    assert measure("a" * 152 + "€" + "a" * 151 + "€")[1:4] == (307, 3, 151)
    assert measure("a" * 151 + "€" + "a" * 151 + "€")[1:4] == (306, 2, 0)


def test_no_part_ends_inside_a_surrogate_pair():
    assert measure("ț" * 66 + "😀" + "ț" * 65 + "😀")[1:4] == (135, 3, 65)
    assert measure("ț" * 65 + "😀" + "ț" * 65 + "😀")[1:4] == (134, 2, 0)


def test_the_characters_that_force_unicode_are_named_once_each():
    assert measure("Ați băut ceai? 😀 Ați!").reasons == "ță😀"
    assert measure("`" + "".join(map(chr, range(0x400, 0x450)))).reasons == "`ЀЁЂЃЄЅІЇЈ"
    assert measure(BASIC + EXTENDED).reasons == ""


def test_the_table_of_gsm_7_is_whole():
    assert (len(set(BASIC)), len(set(EXTENDED))) == (127, 10)  # without the escape itself
    assert not set(BASIC) & set(EXTENDED)


def split(text: str, room: int, takes) -> list[list[int]]:
    """Parts filled one character after the other."""
    parts: list[list[int]] = [[]]
    for char in text:
        if sum(parts[-1]) + takes(char) > room:
            parts.append([])
        parts[-1].append(takes(char))
    return parts


@given(st.text(alphabet="aé€[ț😀", min_size=60, max_size=400))
def test_the_count_is_that_of_the_parts_made(text):
    size = measure(text)
    is_gsm = not set(text) & set("ț😀")
    parts = split(
        text,
        153 if is_gsm else 67,
        lambda char: len(char.encode("utf-16-be")) // 2 if not is_gsm else 1 + (char in "€["),
    )

    assert size.encoding == ("GSM-7" if is_gsm else "UCS-2")
    assert size.units == sum(map(sum, parts))
    if size.units > (160 if is_gsm else 70):
        assert (size.parts, size.left) == (len(parts), (153 if is_gsm else 67) - sum(parts[-1]))
    else:
        assert size.parts == 1
