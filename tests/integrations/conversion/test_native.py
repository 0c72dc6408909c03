from __future__ import annotations

import pytest

from integrations.conversion.native import (
    PART,
    Document,
    NativeEnvelope,
    Recipient,
    write_native,
)
from integrations.conversion.native_reading import parse_native
from integrations.exceptions import DocumentRefused

WHOLE = NativeEnvelope(
    "Order 1 & more",
    "Hello\nthere",
    (Recipient("GLN", "42"), Recipient("EMAIL", "a@example.com")),
    (Document("a.bin", "application/octet-stream", bytes(range(256))),),
    {"number": "1", "empty": ""},
    {"lines": ({"sku": "a"}, {"sku": "b", "qty": "2"}), "none": ()},
    {"uuid": "11111111-1111-1111-1111-111111111111", "sender": "me"},
)


def envelope(inside: str) -> bytes:
    return f"<envelope>\n<subject>x</subject>\n{inside}</envelope>".encode()


def test_an_envelope_survives_being_written():
    assert parse_native(write_native([WHOLE])) == [WHOLE]


def test_several_envelopes_stand_side_by_side():
    assert parse_native(write_native([WHOLE, WHOLE])) == [WHOLE, WHOLE]


def test_a_large_document_is_written_in_parts():
    content = b"0123456789" * (PART // 5)
    large = NativeEnvelope("x", documents=(Document("a", "text/plain", content),))

    written = write_native([large])

    assert written.count(b"<part>") == 2
    assert parse_native(written) == [large]


def test_a_document_may_be_text():
    data = envelope(
        '<documents><document name="../n.txt" media-type="text/plain">Grüße</document></documents>'
    )

    document = parse_native(data)[0].documents[0]

    assert (document.name, document.content) == ("n.txt", "Grüße".encode())


def test_the_source_is_attached_where_a_rule_says_so():
    data = envelope('<documents><document encoding="source"/></documents>')
    source = Document("a.edi", "application/edifact", b"UNB")

    assert parse_native(data, source)[0].documents == (source,)


@pytest.mark.parametrize(
    "inside",
    [
        "<subject>again</subject>",
        "<else/>",
        "<message><b>bold</b></message>",
        "<recipients><mailbox alias-scheme='PHONE' value='1'/></recipients>",
        "<recipients><mailbox alias-scheme='GLN' value=' '/></recipients>",
        "<recipients><mailbox alias-scheme='GLN' value='1' cc='2'/></recipients>",
        "<recipients><person/></recipients>",
        "<documents><document>text</document></documents>",
        "<documents><document name='a' encoding='base64'>***</document></documents>",
        "<documents><document name='a' encoding='hex'>00</document></documents>",
        "<documents><document encoding='source'/></documents>",
        "<documents><document name='a' media-type='text'>x</document></documents>",
        "<documents><document name='a' media-type='text/plain; x'>x</document></documents>",
        "<fields><field>x</field></fields>",
        "<fields><field name='a'>1</field><field name='a'>2</field></fields>",
        "<fields><table name='t'/><table name='t'/></fields>",
        "<fields><table name='t'><line/></table></fields>",
        "<fields><table name='t'><row><cell name='a'/></row></table></fields>",
        f"<message>{'x' * 20_001}</message>",
        "<recipients>" + "<mailbox value='1'/>" * 101 + "</recipients>",
    ],
)
def test_what_is_not_the_native_format_is_refused_with_its_line(inside):
    with pytest.raises(DocumentRefused) as caught:
        parse_native(envelope(inside))

    assert (caught.value.code, caught.value.line) == ("native", 3)


@pytest.mark.parametrize(
    "data",
    [
        b"<order/>",
        b"<envelopes/>",
        b"<envelope/>",
        b"<envelope><subject> </subject></envelope>",
        b"<envelope who='me'><subject>x</subject></envelope>",
        b"<envelopes><envelope><subject>x</subject></envelope><other/></envelopes>",
        b"",
        b"{}",
    ],
)
def test_what_is_no_envelope_is_refused(data):
    with pytest.raises(DocumentRefused):
        parse_native(data)


def test_characters_that_xml_does_not_have_are_left_out():
    assert parse_native(write_native([NativeEnvelope("a\x00b")]))[0].subject == "a b"
