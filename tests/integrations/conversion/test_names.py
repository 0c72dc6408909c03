from __future__ import annotations

import datetime
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.conversion.names import check_pattern, name_for, safe_name, with_time
from integrations.exceptions import RuleInvalid

AT = datetime.datetime(2026, 11, 20, 9, 15, 30, 123_000, tzinfo=datetime.UTC)
VALUES = {"mailboxUuid": "m-1", "envelopeUuid": "e-1", "templateUuid": "t-1"}


def made(pattern: str, **fields: str) -> str:
    check_pattern(pattern)
    return name_for(pattern, VALUES, fields, AT)


def test_every_token_is_filled_in():
    assert made("{mailboxUuid}_{envelopeUuid}_{templateUuid}.xml") == "m-1_e-1_t-1.xml"
    assert re.fullmatch(r"[0-9]{10}\.edi", made("{randomNumber}.edi"))
    assert made("{date yyyy-MM-dd_HHmmss}.xml") == "2026-11-20_091530.xml"
    assert made('{"doc":"number"}.edi', number="4711") == "4711.edi"


def test_a_field_of_one_document_comes_before_that_of_the_envelope():
    fields = {"d1/number": "one", "number": "any"}

    assert name_for('{"d1":"number"}-{"d2":"number"}', VALUES, fields, AT) == "one-any"


def test_a_name_whose_fields_are_all_empty_says_so():
    assert made('{"d":"a"}{"d":"b"}.xml') == "filename_empty.xml"


def test_a_name_with_one_field_that_is_not_empty_is_well():
    assert made('{"d":"a"}-{"d":"b"}.xml', b="x") == "-x.xml"


def test_a_field_cannot_lead_out_of_the_folder():
    assert made('{"d":"a"}.xml', a="../../etc/passwd") == "_.._etc_passwd.xml"


@pytest.mark.parametrize(
    "pattern",
    ["", "a/b", "a:b", "a?b", "a*b", "a<b", "a>b", "a|b", "a\\b", "{nothing}", "{date QQ}",
     "{date HH:mm}", "{mailboxUuid", "}", "x" * 301, "{mailboxUuid x}"],
)  # fmt: skip
def test_a_pattern_that_cannot_work_is_refused(pattern):
    with pytest.raises(RuleInvalid):
        check_pattern(pattern)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.ini", "system.ini"),
        (".htaccess", "htaccess"),
        ("...", "file"),
        ("", "file"),
        ("/", "file"),
        ("a\x00b\r\n.txt", "a_b__.txt"),
        ("накладная №5.xml", "накладная _5.xml"),
        ("e\u0301te\u0301.txt", "\u00e9t\u00e9.txt"),
        ("\u202egnp.exe", "_gnp.exe"),
        ('a"b<c>d|e*f?g:h.csv', "a_b_c_d_e_f_g_h.csv"),
        ("a  b .txt", "a b.txt"),
        ("CON", "CON"),
        (" x.", "x"),
    ],
)
def test_a_name_from_outside_is_made_safe(raw, name):
    assert safe_name(raw) == name


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=150))
def test_no_name_is_ever_unsafe(raw):
    name = safe_name(raw)

    assert 0 < len(name.encode()) <= 120
    assert not name.startswith(".")
    assert not re.search(r'[/\\:?*<>|"\x00-\x1f]', name)
    assert safe_name(name) == name


def test_a_long_name_keeps_its_ending():
    assert safe_name("ж" * 200 + ".xml").endswith("ж.xml")


def test_a_second_file_of_a_name_gets_the_moment():
    assert with_time("order.edi", AT) == "order-20261120091530123.edi"
    assert with_time("order", AT) == "order-20261120091530123"
    assert len(with_time("x" * 116 + ".edi", AT).encode()) == 120
