from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from integrations.conversion import edi_tree, edifact, x12
from integrations.conversion.grammars import grammar
from integrations.conversion.segments import Segment
from integrations.exceptions import ConversionFailed
from tests.integrations.conversion.examples import edifact as edifact_file
from tests.integrations.conversion.examples import example
from tests.integrations.conversion.examples import x12 as x12_file

QUICK = settings(max_examples=40, deadline=None)
TEXT = st.text(
    st.characters(codec="latin-1", exclude_categories=["Cc"]) | st.sampled_from("+:?'*~>"),
    min_size=1,
    max_size=8,
).filter(lambda text: text == text.strip())
PARTS = st.lists(TEXT, min_size=1, max_size=3)
ELEMENTS = st.lists(PARTS.map(lambda parts: [parts]), min_size=1, max_size=5)
BODY = st.lists(
    st.tuples(st.sampled_from(["BGM", "FTX", "NAD", "LIN"]), ELEMENTS), min_size=1, max_size=6
)


def tree(data: bytes) -> etree._Element:
    reader = x12 if data.startswith(b"ISA") else edifact
    return edi_tree.to_tree(reader.read(data))[0]


def texts(root: etree._Element, path: str) -> list[str]:
    return [str(each.xpath("string()")) for each in root.xpath(path)]


def test_elements_and_components_are_named_after_their_place():
    root = tree(example("orders.edi"))

    assert texts(root, "UNB/UNB02/UNB0201") == ["4000001000005"]
    assert texts(root, "MESSAGE/BGM/BGM02") == ["PO-2026-0815"]


def test_orders_has_the_groups_of_its_directory():
    root = tree(example("orders.edi"))

    assert root.find("MESSAGE").get("groups") == "yes"
    assert texts(root, "MESSAGE/GROUP_2/NAD/NAD01") == ["BY", "SU", "DP"]
    assert texts(root, "MESSAGE/GROUP_2/GROUP_5/COM/COM01/COM0101") == ["orders@example.com"]
    assert texts(root, "MESSAGE/GROUP_25/GROUP_28/PRI/PRI01/PRI0102") == ["2.35", "2.10", "9.90"]


def test_850_has_loops():
    root = tree(example("order-850.x12"))

    assert texts(root, "FUNCTIONAL_GROUP/MESSAGE/GROUP_9/PO1/PO107") == ["TEA-GREEN", "TEA-BLACK"]
    assert texts(root, "FUNCTIONAL_GROUP/MESSAGE/GROUP_9/GROUP_11/PID/PID05")[0].startswith("Green")


@pytest.mark.parametrize(
    ("kind", "body", "path"),
    [
        ("ORDRSP", "BGM DTM RFF NAD CUX LIN QTY PRI UNS", "GROUP_26/GROUP_30/PRI"),
        ("DESADV", "BGM DTM RFF NAD TDT CPS PAC PCI GIN LIN QTY", "GROUP_10/GROUP_15/QTY"),
        ("INVOIC", "BGM DTM RFF NAD TAX LIN QTY MOA PRI UNS MOA TAX MOA", "GROUP_50/MOA"),
        ("RECADV", "BGM DTM RFF NAD CPS LIN QTY", "GROUP_16/GROUP_22/QTY"),
    ],
)
def test_the_other_messages_have_groups(kind, body, path):
    root = tree(edifact_file(*(f"{tag}+1" for tag in body.split()), kind=kind))

    assert root.xpath(f"MESSAGE[@groups='yes']/{path}")


@pytest.mark.parametrize(
    ("kind", "body", "path"),
    [
        ("855", "BAK REF N1 PO1 ACK CTT", "GROUP_6/GROUP_10/ACK"),
        ("856", "BSN HL TD1 REF N1 HL PRF HL LIN SN1 CTT", "GROUP_1/SN1"),
        ("810", "BIG N1 N3 N4 IT1 PID TDS CTT", "GROUP_6/GROUP_7/PID"),
        ("997", "AK1 AK2 AK3 AK4 AK5 AK9", "GROUP_1/GROUP_2/AK4"),
    ],
)
def test_the_other_transaction_sets_have_loops(kind, body, path):
    root = tree(x12_file(*(f"{tag}*1" for tag in body.split()), kind=kind))

    assert root.xpath(f"FUNCTIONAL_GROUP/MESSAGE[@groups='yes']/{path}")


def test_a_message_in_another_order_is_flat_with_a_warning():
    found = edifact.read(edifact_file("LIN+1", "BGM+220"))

    root, warnings = edi_tree.to_tree(found)

    assert root.find("MESSAGE").get("groups") == "no"
    assert [each.tag for each in root.find("MESSAGE")] == ["UNH", "LIN", "BGM", "UNT"]
    assert len(warnings) == 1


def test_an_unknown_message_is_flat_with_a_warning():
    _, warnings = edi_tree.to_tree(edifact.read(edifact_file("BGM+1", kind="CONTRL")))

    assert "CONTRL" in warnings[0]


def test_every_grammar_begins_each_group_with_a_segment():
    kinds = ["ORDERS", "ORDRSP", "DESADV", "INVOIC", "RECADV"]
    rules = [grammar("EDIFACT", kind) for kind in kinds]
    rules += [grammar("X12", kind) for kind in ("850", "855", "856", "810", "997")]

    waiting = list(rules)
    while waiting:
        node = waiting.pop()
        waiting += node.children
        assert not node.number or not node.children[0].number


@pytest.mark.parametrize("name", ["orders.edi", "order-850.x12"])
def test_the_tree_of_an_example_makes_the_same_segments(name):
    reader = x12 if name.endswith("x12") else edifact
    before = reader.read(example(name))

    after = reader.read(edi_tree.write(tree(example(name))))

    assert [each[:2] for each in after.messages[0]] == [each[:2] for each in before.messages[0]]


@QUICK
@given(BODY)
def test_any_edifact_message_survives_the_way_through_xml(body):
    header = edifact.read(edifact_file("BGM+1"))
    segments = [Segment(tag, elements) for tag, elements in body]
    data = edifact.write([header.header, header.messages[0][0], *segments])

    found = edifact.read(edi_tree.write(tree(data)))

    assert [each[:2] for each in found.messages[0][1:-1]] == [each[:2] for each in segments]


@QUICK
@given(BODY)
def test_any_x12_message_survives_the_way_through_xml(body):
    header = x12.read(x12_file("BEG*1"))
    segments = [Segment(tag, elements) for tag, elements in body]
    data = x12.write([header.header, header.groups[0].header, header.messages[0][0], *segments])

    found = x12.read(edi_tree.write(tree(data)))

    assert [each[:2] for each in found.messages[0][1:-1]] == [each[:2] for each in segments]


@pytest.mark.parametrize(
    "xml",
    [
        "<EDIFACT><UNB/><order/></EDIFACT>",
        "<EDIFACT><UNB><BGM01/></UNB></EDIFACT>",
        "<EDIFACT><UNB><UNB00/></UNB></EDIFACT>",
        "<EDIFACT><UNB><UNB1/></UNB></EDIFACT>",
        "<order/>",
    ],
)
def test_what_is_no_segment_is_refused_with_its_line(xml):
    with pytest.raises(ConversionFailed) as caught:
        edi_tree.write(etree.fromstring(xml))

    assert caught.value.line == 1
