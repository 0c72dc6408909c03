from __future__ import annotations

import pytest

from integrations.conversion import edifact
from integrations.conversion.segments import Segment
from integrations.exceptions import ConversionFailed, DocumentRefused
from tests.integrations.conversion.examples import edifact as file_of
from tests.integrations.conversion.examples import example


def values(data: bytes, tag: str) -> list[list[list[list[str]]]]:
    found = edifact.read(data)
    return [each.elements for message in found.messages for each in message if each.tag == tag]


def test_the_example_is_read_with_its_counts():
    found = edifact.read(example("orders.edi"))

    assert len(found.messages) == 1
    assert len(found.messages[0]) == 30
    assert found.header.value(2) == "4000001000005"


def test_released_separators_are_text():
    data = file_of("FTX+ZZZ+++5?+1 is 6?: what??", "BGM+220+A?'B")

    assert values(data, "FTX")[0][3] == [["5+1 is 6: what?"]]
    assert values(data, "BGM")[0][1] == [["A'B"]]


def test_a_release_character_can_be_released_before_a_separator():
    data = file_of("BGM+220+A??+9")

    assert values(data, "BGM") == [[[["220"]], [["A?"]], [["9"]]]]


def test_una_names_other_separators():
    data = b"UNA|*,\\ ~UNB*UNOA|1*S*R*261120|0915*7~UNH*1*ORDERS|D~BGM*A\\*B~UNT*3*1~UNZ*1*7~"

    assert values(data, "BGM") == [[[["A*B"]]]]


def test_line_ends_between_segments_do_not_matter():
    data = file_of("BGM+220+1").replace(b"'", b"'\r\n")

    assert len(edifact.read(data).messages[0]) == 3


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("UNOC:3", "Müller"),
        ("UNOD:3", "Żółw"),
        ("UNOE:3", "Заказ"),
        ("UNOF:3", "Αθήνα"),
        ("UNOK:3", "İzmir"),
        ("UNOW:4", "茶"),
        ("UNOY:4", "茶"),
        ("UNOX:4", "注文"),
    ],
)
def test_every_character_set_is_read(charset, text):
    codec = edifact.CHARSETS[charset[:4]]
    data = file_of("FTX+ZZZ+++TEXT", charset=charset).replace(b"TEXT", text.encode(codec))

    assert values(data, "FTX")[0][3] == [[text]]


def test_only_syntax_4_repeats_elements():
    assert values(file_of("AAA+1*2", charset="UNOC:4"), "AAA") == [[[["1"], ["2"]]]]
    assert values(file_of("AAA+1*2", charset="UNOC:3"), "AAA") == [[[["1*2"]]]]


def test_several_messages_and_groups_are_counted():
    data = (
        b"UNB+UNOC:3+S+R+261120:0915+1'UNG+ORDERS+S+R+261120:0915+G1+UN+D:96A'"
        b"UNH+1+ORDERS:D'BGM+1'UNT+3+1'UNH+2+ORDERS:D'BGM+2'UNT+3+2'UNE+2+G1'UNZ+1+1'"
    )

    assert len(edifact.read(data).messages) == 2


def test_a_control_character_is_refused_with_its_segment():
    with pytest.raises(DocumentRefused) as caught:
        edifact.read(file_of("BGM+22\x010"))

    assert (caught.value.code, caught.value.line) == ("characters", 3)


def test_the_separators_of_information_separate_when_una_says_so():
    data = b"UNA\x1f\x1d. \x20\x1cUNB\x1dUNOB\x1f1\x1dS\x1dR\x1d261120\x1f0915\x1d7\x1c"
    data += b"UNH\x1d1\x1dORDERS\x1fD\x1cBGM\x1d5\x1cUNT\x1d3\x1d1\x1cUNZ\x1d1\x1d7\x1c"

    assert values(data, "BGM") == [[[["5"]]]]


def test_writing_releases_what_would_separate():
    segments = [
        Segment("UNB", [[["UNOC", "3"]], [["S"]], [["R"]], [["261120", "0915"]], [["1"]]]),
        Segment("UNH", [[["1"]], [["ORDERS", "D"]]]),
        Segment("FTX", [[["a+b:c'd?"]], [["x", "", ""]], []]),
    ]

    written = edifact.write(segments)

    assert b"FTX+a?+b?:c?'d??+x'" in written
    assert edifact.read(written).messages[0][1].elements == [[["a+b:c'd?"]], [["x"]]]


def test_counts_are_made_anew():
    found = edifact.read(example("orders.edi"))
    segments = [found.header, *[each for each in found.messages[0] if each.tag != "PIA"]]

    written = edifact.write(segments)

    assert b"UNT+27+1'" in written
    assert edifact.read(written)


def test_a_character_that_the_set_does_not_have_is_told():
    segments = [
        Segment("UNB", [[["UNOA", "1"]], [["S"]], [["R"]], [["1", "1"]], [["1"]]]),
        Segment("UNH", [[["1"]], [["ORDERS"]]]),
        Segment("FTX", [[["ü"]]]),
    ]

    with pytest.raises(ConversionFailed, match="UNOY"):
        edifact.write(segments)
