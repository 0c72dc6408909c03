from __future__ import annotations

import pytest

from integrations.conversion import x12
from integrations.conversion.segments import Segment
from integrations.exceptions import ConversionFailed, DocumentRefused
from tests.integrations.conversion.examples import ISA, example
from tests.integrations.conversion.examples import x12 as file_of


def test_the_example_is_read_with_its_counts():
    found = x12.read(example("order-850.x12"))

    assert [segment.tag for segment in found.messages[0]][:3] == ["ST", "BEG", "CUR"]
    assert found.header.value(6) == "EXAMPLEBUYER"


def test_separators_come_from_isa():
    data = file_of("BEG*00*SA*A>B").replace(b"*", b"|").replace(b"~", b"\n").replace(b">", b"^")

    assert x12.read(data).messages[0][1].elements[2] == [["A", "B"]]


def test_a_later_version_repeats_elements():
    data = file_of("REF*A^B", isa=ISA.replace("*U*00401", "*^*00501"))

    assert x12.read(data).messages[0][1].elements == [[["A"], ["B"]]]


def test_an_earlier_version_does_not():
    assert x12.read(file_of("REF*A^B")).messages[0][1].elements == [[["A^B"]]]


def test_an_interchange_acknowledgment_may_come_before_the_groups():
    data = file_of("BEG*00").replace(b"GS*PO", b"TA1*1*261120*0915*A*000~GS*PO")

    assert x12.read(data).loose[0].tag == "TA1"


@pytest.mark.parametrize(
    "isa",
    [
        ISA.replace("SENDER         ", "SENDER"),
        ISA.replace("*T*>", "*T**"),
        ISA.replace("*T*>", "*T*A"),
        "ISA*00*",
    ],
)
def test_an_isa_that_is_not_as_long_as_it_must_be_is_refused(isa):
    with pytest.raises(DocumentRefused) as caught:
        x12.read(file_of("BEG*00", isa=isa))

    assert caught.value.code == "isa"


def test_writing_chooses_separators_that_no_value_has():
    found = x12.read(file_of("BEG*00"))
    message = [found.messages[0][0], Segment("MSG", [[["5 * 4 | 3 : 2 ~"]]])]

    written = x12.write([found.header, found.groups[0].header, *message])

    assert x12.read(written).messages[0][1].elements == [[["5 * 4 | 3 : 2 ~"]]]


def test_writing_refuses_when_every_separator_is_used():
    found = x12.read(file_of("BEG*00"))
    message = [found.messages[0][0], Segment("MSG", [[["*|\x1d"]]])]

    with pytest.raises(ConversionFailed) as caught:
        x12.write([found.header, found.groups[0].header, *message])

    assert caught.value.code == "separators"


def test_isa_is_written_with_its_fixed_widths():
    header = Segment("ISA", [[["00"]], [], [["00"]], [], [["ZZ"]], [["S"]], [["ZZ"]], [["R"]],
                             [["261120"]], [["0915"]], [["U"]], [["00401"]], [["7"]], [["0"]],
                             [["T"]]])  # fmt: skip
    group = Segment("GS", [[["PO"]], [["S"]], [["R"]], [["20261120"]], [["0915"]], [["3"]]])
    message = Segment("ST", [[["850"]], [["0001"]]])

    written = x12.write([header, group, message])

    assert written.index(b"~") == 105
    assert b"*000000007*" in written[:106]
    assert b"SE*2*0001~\nGE*1*3~\nIEA*1*000000007~" in written
    assert x12.read(written)
