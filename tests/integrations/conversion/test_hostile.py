"""Documents and rules made to reach out, to hang or to fill the memory."""

from __future__ import annotations

import io
import zipfile

import pytest

from integrations.conversion import Limits, Rule, convert, view
from integrations.exceptions import (
    ConversionFailed,
    DocumentRefused,
    IntegrationError,
    RuleInvalid,
)

SHEET = (
    '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" '
    'xmlns:exsl="http://exslt.org/common" xmlns:saxon="http://icl.com/saxon" '
    'extension-element-prefixes="exsl saxon">{}</xsl:stylesheet>'
)
ROOT = '<xsl:template match="/">{}</xsl:template>'
TWICE = (
    '<xsl:call-template name="a"><xsl:with-param name="n" select="$n - 1"/></xsl:call-template>'
) * 2
ENDLESS = ROOT.format('<xsl:call-template name="a"/>') + (
    '<xsl:template name="a"><xsl:call-template name="a"/></xsl:template>'
)
EXPONENTIAL = ROOT.format(
    '<xsl:call-template name="a"><xsl:with-param name="n" select="60"/></xsl:call-template>'
) + (
    '<xsl:template name="a"><xsl:param name="n"/>'
    f'<xsl:if test="$n &gt; 0">{TWICE}</xsl:if></xsl:template>'
)
DOUBLING = "".join(
    f'<xsl:variable name="v{at + 1}" select="concat($v{at}, $v{at})"/>' for at in range(30)
)
FILLING = ROOT.format(
    '<xsl:variable name="v0" select="\'0123456789012345678901234567890123456789\'"/>'
    f'{DOUBLING}<a><xsl:value-of select="$v30"/></a>'
)


def sheet(body: str) -> str:
    return SHEET.format(body)


def archive(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return target.getvalue()


BOMB = b"".join(b'<!ENTITY %c "%s">' % (98 + at, b"&%c;" % (97 + at) * 10) for at in range(9))


@pytest.mark.parametrize(
    "xml",
    [
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:1/"> %x;]><a/>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + BOMB + b"]><a>&j;</a>",
        b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + BOMB + b']><a b="&j;"/>',
        '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'.encode("utf-16"),
    ],
    ids=["entity", "parameter entity", "dtd", "bomb", "bomb in an attribute", "utf-16"],
)
def test_a_document_with_declarations_is_refused(xml):
    with pytest.raises(DocumentRefused):
        view(xml, "a.xml")


@pytest.mark.parametrize(
    "body",
    [
        ROOT.format("<xsl:copy-of select=\"document('/etc/passwd')\"/>"),
        ROOT.format("<xsl:copy-of select=\"document ('http://127.0.0.1:1/')\"/>"),
        '<xsl:include href="file:///etc/passwd"/>',
        '<xsl:import href="http://127.0.0.1:1/a.xsl"/>',
        ROOT.format('<exsl:document href="/tmp/written"><a/></exsl:document>'),
        ROOT.format('<saxon:output href="/tmp/written"><a/></saxon:output>'),
    ],
)
def test_a_stylesheet_cannot_reach_out(made, body):
    with pytest.raises(RuleInvalid, match="not possible"):
        made("xslt", sheet(body))


def test_a_stylesheet_that_hides_document_reads_nothing(made):
    hidden = ROOT.format(
        '<xsl:variable name="x" xmlns:dyn="http://exslt.org/dynamic" '
        "select=\"dyn:evaluate(concat('docu', 'ment(', &quot;'/etc/passwd'&quot;, ')'))\"/>"
        '<envelope><subject>x<xsl:value-of select="$x"/></subject></envelope>'
    )

    with pytest.raises(ConversionFailed) as caught:
        made("xslt", sheet(hidden))

    assert "root:" not in str(caught.value)


def test_a_template_that_calls_itself_is_stopped(made):
    with pytest.raises(ConversionFailed) as caught:
        made("xslt", sheet(ENDLESS))

    assert caught.value.code == "recursion"


def test_a_stylesheet_that_never_ends_is_stopped_by_processor_time(made):
    with pytest.raises(ConversionFailed) as caught:
        made("xslt", sheet(EXPONENTIAL))

    assert caught.value.code == "cpu"


def test_a_stylesheet_that_fills_the_memory_is_stopped(order):
    little = Limits(cpu=5, memory=200 * 1024 * 1024)

    with pytest.raises(ConversionFailed) as caught:
        convert(order, "o.edi", Rule("out", "xslt", sheet(FILLING)), little)

    assert caught.value.code == "memory"


def test_a_result_larger_than_allowed_is_stopped(order):
    little = Limits(output=1000)

    with pytest.raises(ConversionFailed) as caught:
        convert(
            order, "o.edi", Rule("out", "fieldmap", '{"subject": "UNB", "attach": true}'), little
        )

    assert caught.value.code == "too_large"


def test_a_path_that_never_ends_is_stopped(made):
    inner = "//*[count(//*[count(//*[count(//*) > 0]) > 0]) > 0]"

    with pytest.raises(ConversionFailed) as caught:
        made("fieldmap", f'{{"subject": "count({inner})"}}')

    assert caught.value.code == "cpu"


def test_a_path_cannot_read_a_file(made):
    with pytest.raises(ConversionFailed):
        made("fieldmap", '{"subject": "document(\'/etc/passwd\')"}')


@pytest.mark.parametrize(
    "body",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ doc.__class__ }}",
        "{{ doc|attr('x') }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{{ lipsum.__globals__ }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ 'x' * 999999999 }}",
        "{{ doc['__class__'] }}",
        "{% for a in range(10) %}{% endfor %}",
    ],
)
def test_a_template_cannot_escape(made, body):
    with pytest.raises(RuleInvalid):
        made("jinja", body)


def test_a_template_says_nothing_of_the_document_it_failed_at(made):
    with pytest.raises(ConversionFailed) as caught:
        made("jinja", "{{ doc.MESSAGE.BGM.BGM02.BGM0201|date }}")

    assert "PO-2026" not in str(caught.value)


def test_a_key_from_the_document_is_not_told_either(made):
    with pytest.raises(ConversionFailed) as caught:
        made("jinja", "{{ dictionaries[doc.MESSAGE.BGM.BGM02.BGM0201] }}")

    assert "PO-2026" not in str(caught.value)


def test_a_stylesheet_says_nothing_of_the_document_it_failed_at(made):
    body = ROOT.format(
        '<xsl:message terminate="yes">No date, <xsl:value-of select="/"/></xsl:message>'
    )

    with pytest.raises(ConversionFailed) as caught:
        made("xslt", sheet(body))

    assert str(caught.value) == "The stylesheet stopped: No date,"


@pytest.mark.parametrize("data", [b"[" * 1_000_000, b'{"a":' * 500_000, b"[" * 500 + b"]" * 500])
def test_deep_json_is_refused(data):
    with pytest.raises(DocumentRefused) as caught:
        view(data, "a.json")

    assert caught.value.code == "too_deep"


def test_deep_xml_is_refused():
    with pytest.raises(DocumentRefused):
        view(b"<a>" * 1_000_000, "a.xml")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (archive({"xl/workbook.xml": b"0" * 70_000_000}), "bomb"),
        (archive({"xl/workbook.xml": b"0" * 2_000_000}), "bomb"),
        (archive({"xl/workbook.xml": b""} | {f"{at}": b"" for at in range(1001)}), "bomb"),
        (archive({"xl/workbook.xml": b"<a/>"}), "xlsx"),
        (b"PK\x03\x04 xl/workbook.xml", "xlsx"),
    ],
    ids=["large", "dense", "many", "no workbook", "no archive"],
)
def test_a_workbook_that_is_a_trap_is_refused(data, code):
    with pytest.raises(DocumentRefused) as caught:
        view(data, "a.xlsx")

    assert caught.value.code == code


def test_a_workbook_that_lies_about_its_sizes_is_refused():
    data = archive({"xl/workbook.xml": b"0" * 3_000_000})
    place = data.index(b"PK\x01\x02")
    lie = data[: place + 24] + (10).to_bytes(4, "little") + data[place + 28 :]

    with pytest.raises(DocumentRefused):
        view(lie, "a.xlsx")


@pytest.mark.parametrize(
    "data", [b"\xff\xfe<\x00a", b"\x00" * 100, b"\x89PNG\r\n\x1a\n\x00", b"PK\x03\x04abc"]
)
def test_what_is_no_text_has_no_view(data):
    with pytest.raises(IntegrationError):
        view(data, "a")
