from __future__ import annotations

import csv
import io
import json

import pytest

from integrations.conversion import (
    Rule,
    attributes,
    check_rule,
    convert,
    starting_map,
    view,
)
from integrations.conversion.native_reading import parse_native
from integrations.exceptions import ConversionFailed, DocumentRefused, RuleInvalid
from tests.integrations.conversion.examples import example, rule_body


def test_a_field_map_makes_an_envelope_of_an_order(order):
    found = convert(
        order, "in/orders.edi", Rule("out", "fieldmap", rule_body("orders-fieldmap.json"))
    )

    envelope = parse_native(found.output)[0]
    assert envelope.subject == "Order PO-2026-0815"
    assert envelope.documents[0].name == "orders.edi"
    assert envelope.documents[0].content == order
    assert envelope.fields["order_date"] == "2026-11-20"
    assert [row["sku"] for row in envelope.tables["lines"]] == ["TEA-GREEN", "TEA-BLACK", "MUG-0.3"]
    assert found.media_type == "application/xml"
    assert found.facts.number == "PO-2026-0815"


def test_a_stylesheet_makes_an_envelope_of_an_order(order):
    rule = Rule("out", "xslt", rule_body("orders.xsl"), parameters={"SENDER_MAILBOX": 'it\'s "me"'})

    envelope = parse_native(convert(order, "orders.edi", rule).output)[0]

    assert envelope.fields["sender_mailbox"] == 'it\'s "me"'
    assert envelope.documents[0].content == order
    assert len(envelope.tables["lines"]) == 3


def test_a_template_makes_an_envelope_of_an_order(made):
    body = (
        "<envelope><subject>{{ doc.MESSAGE.BGM.BGM02.BGM0201 }}</subject><fields>"
        "{% for line in doc.MESSAGE.GROUP_25_all %}"
        '<field name="line{{ loop.index }}">{{ line.IMD.IMD03.IMD0304 }}</field>'
        "{% endfor %}</fields></envelope>"
    )

    envelope = parse_native(made("jinja", body).output)[0]

    assert envelope.fields["line3"] == "Mug, 0.3 l, 5+1 pack"


def test_passthrough_encloses_any_file():
    data = bytes(range(256))

    envelope = parse_native(convert(data, "a/b/photo.bin", Rule("out", "passthrough")).output)[0]

    assert (envelope.subject, envelope.documents[0].content) == ("photo.bin", data)


def test_passthrough_takes_edi_that_is_broken(order):
    convert(order[:200], "orders.edi", Rule("out", "passthrough"))


def test_an_answer_in_edifact_is_made_of_an_envelope(envelope):
    rule = Rule("in", "fieldmap", rule_body("ordrsp-fieldmap.json"), "edifact")

    found = convert(envelope, "envelope.xml", rule)

    assert b"UNH+1+ORDRSP:D:96A:UN'" in found.output
    assert b"UNT+13+1'" in found.output
    assert found.media_type == "application/edifact"
    assert b'groups="yes"' in view(found.output, "answer.edi")


def test_a_table_is_made_of_an_envelope(envelope):
    found = convert(envelope, "envelope.xml", Rule("in", "xslt", rule_body("lines-csv.xsl"), "csv"))

    rows = list(csv.reader(io.StringIO(found.output.decode()), delimiter=";"))
    assert rows[0] == ["Order", "SKU", "Quantity"]
    assert rows[3] == ["PO-2026-0815", "MUG-0.3", "12"]


def test_a_workbook_is_made_of_an_envelope_and_read_again(envelope):
    found = convert(
        envelope, "envelope.xml", Rule("in", "xslt", rule_body("lines-csv.xsl"), "xlsx")
    )

    assert b'<col name="SKU">TEA-BLACK</col>' in view(found.output, "lines.xlsx")


def test_json_is_made_of_an_envelope(envelope):
    body = json.dumps(
        {
            "fields": {"order": "fields/field[@name='order_number']"},
            "tables": {
                "lines": {"each": "//row", "columns": {"sku": "field[@name='sku']"}},
            },
        }
    )

    found = convert(envelope, "envelope.xml", Rule("in", "fieldmap", body, "json"))

    assert json.loads(found.output)["lines"][1] == {"sku": "TEA-BLACK"}


LINES = {"each": "//row", "columns": {"sku": "field[@name='sku']", "Qty?": {"constant": "1"}}}
NUMBER = {"order": "fields/field[@name='order_number']"}


@pytest.mark.parametrize(
    ("source", "output", "made"),
    [
        ({"tables": {"t": LINES}}, "csv", b"sku,Qty?\r\nTEA-GREEN,1\r\n"),
        ({"fields": NUMBER}, "csv", b"order\r\nPO-2026-0815\r\n"),
        ({"root": "o", "fields": NUMBER}, "xml", b"<o><order>PO-2026-0815</order></o>"),
        ({"tables": {"t": LINES}}, "xml", b'<sku>TEA-GREEN</sku><field name="Qty?">1</field>'),
        ({"text": {"parts": [{"constant": "Nr "}, "subject"]}}, "text", b"Nr Order PO-2026-0815"),
    ],
)
def test_a_field_map_makes_every_kind_of_file(envelope, source, output, made):
    rule = Rule("in", "fieldmap", json.dumps(source), output)

    assert made in convert(envelope, "envelope.xml", rule).output


def test_a_field_map_makes_x12(envelope):
    def constants(*words: str) -> list[object]:
        return [{"constant": word} for word in words]

    isa = constants("00", "", "00", "", "ZZ", "S", "ZZ", "R", "261120", "0915", "U", "00401", "1")
    body = {
        "segments": [
            ["ISA", *isa, *constants("0", "T", ">")],
            ["GS", *constants("PR", "S", "R", "20261120", "0915", "1", "X", "004010")],
            ["ST", *constants("855", "0001")],
            ["BAK", *constants("00", "AC"), "fields/field[@name='order_number']"],
            {"each": "//row", "segments": [["PO1", "", "field[@name='quantity']"]]},
        ]
    }

    found = convert(envelope, "e.xml", Rule("in", "fieldmap", json.dumps(body), "x12"))

    assert b"BAK*00*AC*PO-2026-0815~\nPO1**120~" in found.output
    assert b"SE*6*0001~\nGE*1*1~\nIEA*1*000000001~" in found.output
    assert b'groups="yes"' in view(found.output, "answer.x12")


def test_json_from_a_template_is_always_json(envelope):
    body = '{"order": "{{ doc.subject }}", "note": "{{ parameters.NOTE }}"}'
    rule = Rule("in", "jinja", body, "json", parameters={"NOTE": 'say "hi"\n\\'})

    found = convert(envelope, "envelope.xml", rule)

    assert json.loads(found.output)["note"] == 'say "hi"\n\\'


def test_a_template_knows_the_fields_and_tables_of_an_envelope(envelope):
    body = "{{ fields.order_number }}:{% for row in tables.lines %}{{ row.sku }},{% endfor %}"

    found = convert(envelope, "envelope.xml", Rule("in", "jinja", body, "text"))

    assert found.output == b"PO-2026-0815:TEA-GREEN,TEA-BLACK,MUG-0.3,"


def test_passthrough_hands_on_the_document_of_an_envelope(envelope, order):
    assert convert(envelope, "e.xml", Rule("in", "passthrough", "", "edifact")).output == order
    assert convert(envelope, "e.xml", Rule("in", "passthrough", "", "xml")).output == envelope


def test_a_rule_that_may_make_one_envelope_cannot_make_two(made):
    body = '{"each": "MESSAGE/GROUP_25", "subject": "LIN/LIN01"}'

    with pytest.raises(ConversionFailed) as caught:
        made("fieldmap", body)

    assert caught.value.code == "several"
    assert len(parse_native(made("fieldmap", body, multiple=True).output)) == 3


def test_every_example_has_a_view():
    for name in ("orders.edi", "order-850.x12", "orders.csv", "order.json", "orders.xsl"):
        assert view(example(name), name).startswith(b"<?xml")


@pytest.mark.parametrize("name", ["orders.edi", "order-850.x12", "orders.csv", "order.json"])
def test_the_starting_map_of_an_example_converts_it(name):
    body = starting_map(example(name), name)

    envelope = parse_native(convert(example(name), name, Rule("out", "fieldmap", body)).output)[0]

    assert len(envelope.tables["lines"]) >= 2
    assert envelope.documents[0].name == name


def test_a_starting_map_knows_namespaces():
    data = b'<o xmlns="urn:x"><id>7</id><l><q>1</q></l><l><q>2</q></l></o>'
    body = starting_map(data, "o.xml")

    envelope = parse_native(convert(data, "o.xml", Rule("out", "fieldmap", body)).output)[0]

    assert envelope.fields == {"id": "7"}
    assert [row["q"] for row in envelope.tables["lines"]] == ["1", "2"]


def test_attributes_are_constants_or_paths(envelope):
    wanted = {"a": "constant", "b": "/envelope/subject", "c": "/envelope/nothing"}

    assert attributes(envelope, wanted) == {"a": "constant", "b": "Order PO-2026-0815", "c": ""}


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (Rule("up", "xslt"), "direction"),
        (Rule("out", "python"), "engine"),
        (Rule("out", "xslt", output="csv"), "output"),
        (Rule("in", "xslt", output="pdf"), "output"),
        (Rule("out", "xslt", "<a/>"), "xslt"),
        (Rule("out", "xslt", "<a"), "xml"),
        (Rule("out", "fieldmap", "{"), "fieldmap"),
        (Rule("out", "jinja", "{% for %}"), "jinja"),
    ],
)
def test_a_rule_that_cannot_work_is_told_without_a_document(rule, code):
    with pytest.raises(RuleInvalid) as caught:
        check_rule(rule)

    assert caught.value.code == code


def test_rules_of_the_examples_can_work():
    check_rule(Rule("out", "xslt", rule_body("orders.xsl")))
    check_rule(Rule("in", "fieldmap", rule_body("ordrsp-fieldmap.json"), "edifact"))


@pytest.mark.parametrize("data", [b"", b"x" * (64 * 1024 * 1024 + 1)], ids=["empty", "too large"])
def test_an_empty_and_a_huge_file_are_refused(data):
    with pytest.raises(DocumentRefused):
        convert(data, "a", Rule("out", "passthrough"))
