from __future__ import annotations

import pytest

from integrations.conversion import Rule, ValidationFile, check_rule, convert
from integrations.exceptions import ConversionFailed, DocumentRefused, RuleInvalid

ORDER = b"<order>\n <number>7</number>\n <qty>many</qty>\n</order>"
XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
<xs:include schemaLocation="types.xsd"/>
<xs:element name="order"><xs:complexType><xs:sequence>
<xs:element name="number" type="xs:string"/><xs:element name="qty" type="quantity"/>
</xs:sequence></xs:complexType></xs:element></xs:schema>"""
TYPES = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:simpleType name="quantity">
<xs:restriction base="xs:int"><xs:maxInclusive value="99"/></xs:restriction></xs:simpleType>
</xs:schema>"""
SCH = """<schema xmlns="http://purl.oclc.org/dsdl/schematron"><pattern><rule context="order">
<assert test="number(qty) &gt; 0">A quantity has to be a number.</assert>
<report test="number = 7">Number <value-of select="number"/> is not wanted.</report>
</rule></pattern></schema>"""
MAP = '{"subject": "number"}'


def out(*files: tuple[str, str, str], data: bytes = ORDER) -> bytes:
    rule = Rule("out", "fieldmap", MAP, validation=tuple(ValidationFile(*each) for each in files))
    return convert(data, "order.xml", rule).output


def test_a_document_that_fits_its_schema_is_converted():
    found = out(
        ("xsd", "order.xsd", XSD),
        ("xsd", "types.xsd", TYPES),
        data=ORDER.replace(b"many", b"5"),
    )

    assert b"<subject>7</subject>" in found


def test_a_document_that_does_not_fit_is_refused_with_line_and_place():
    with pytest.raises(DocumentRefused) as caught:
        out(("xsd", "order.xsd", XSD), ("xsd", "types.xsd", TYPES))

    assert (caught.value.code, caught.value.line) == ("validation", 3)
    assert "/order/qty" in str(caught.value)
    assert "many" not in str(caught.value)


def test_schematron_tells_its_own_words_and_none_of_the_document():
    with pytest.raises(DocumentRefused) as caught:
        out(("sch", "order.sch", SCH))

    assert "A quantity has to be a number." in str(caught.value)
    assert "Number 7" not in str(caught.value)


def test_the_result_of_an_in_rule_is_what_is_checked(envelope):
    body = '{"root": "order", "fields": {"number": "subject", "qty": {"constant": "many"}}}'
    files = (ValidationFile("xsd", "o.xsd", XSD), ValidationFile("xsd", "types.xsd", TYPES))

    with pytest.raises(ConversionFailed) as caught:
        convert(envelope, "e.xml", Rule("in", "fieldmap", body, "xml", validation=files))

    assert caught.value.code == "validation"


@pytest.mark.parametrize(
    "place", ["other.xsd", "file:///etc/passwd", "http://127.0.0.1:1/a.xsd", "../types2.xsd"]
)
def test_a_schema_cannot_reach_a_file_that_is_not_given(place):
    with pytest.raises(RuleInvalid, match="not among the files"):
        out(("xsd", "order.xsd", XSD.replace("types.xsd", place)))


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("xsd", "<a"),
        ("xsd", "<a/>"),
        ("xsd", XSD.replace('"quantity"', '"nothing"')),
        ("sch", "<schema/>"),
        ("sch", SCH.replace("<pattern>", '<include href="/etc/passwd"/><pattern>')),
        ("sch", SCH.replace("number = 7", "document('/etc/passwd')")),
        ("sch", SCH.replace("number = 7", "((")),
        ("rng", "<grammar/>"),
    ],
)
def test_a_validation_file_that_cannot_work_is_told(kind, content):
    files = (ValidationFile(kind, "a.file", content), ValidationFile("xsd", "types.xsd", TYPES))

    with pytest.raises(RuleInvalid) as caught:
        check_rule(Rule("out", "passthrough", validation=files))

    assert "a.file" in str(caught.value)
