from __future__ import annotations

import datetime
import io

import openpyxl
import pytest
from lxml import etree

from integrations.conversion import json_tree, tables, view, workbook
from integrations.conversion.facts import Facts, read_facts
from integrations.conversion.formats import Format, sniff
from integrations.exceptions import ConversionFailed, DocumentRefused
from tests.integrations.conversion.examples import edifact, example, x12


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"UNA:+.? 'UNB+UNOC:3+S+R", "", Format.EDIFACT),
        (b"\xef\xbb\xbf\r\nUNB+UNOC:3+S+R", "", Format.EDIFACT),
        (b"UNBELIEVABLE, but true", "", Format.TEXT),
        (b"ISA*00*", "", Format.X12),
        (b"ISABEL is a name", "", Format.TEXT),
        (b"<?xml version='1.0'?><a/>", "", Format.XML),
        ("<a/>".encode("utf-16"), "", Format.XML),
        (b' \n{"a": 1}', "", Format.JSON),
        (b"[1]", "a.csv", Format.JSON),
        (b"a;b\n1;2\n3;4\n", "", Format.CSV),
        (b"only one column\n1\n", "a.csv", Format.CSV),
        (b"Dear all,\nnothing here, in short, is a table.\n", "", Format.TEXT),
        (b"PK\x03\x04...xl/workbook.xml", "", Format.XLSX),
        (b"PK\x03\x04...", "a.xlsx", Format.ZIP),
        (b"\x89PNG\r\n\x1a\n\x00", "a.csv", Format.BINARY),
        (b"", "", Format.TEXT),
    ],
)
def test_a_format_is_known_by_its_first_bytes(data, name, kind):
    assert sniff(data, name) is kind


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        (
            "orders.edi",
            Facts("edifact", "ORDERS", "4000001000005", "4000002000004", "PO-2026-0815"),
        ),
        ("order-850.x12", Facts("x12", "850", "EXAMPLEBUYER", "EXAMPLESELLER", "PO-2026-0816")),
        ("orders.xsl", Facts("xml", "stylesheet")),
        ("orders.csv", Facts("csv")),
    ],
)
def test_facts_are_read_from_the_beginning(name, facts):
    assert read_facts(example(name), name) == facts


def test_facts_of_an_envelope_are_its_subject_and_mailbox():
    data = (
        b'<envelope sender="me"><subject>Order 1</subject><recipients>'
        b'<mailbox alias-scheme="GLN" value="42"/></recipients></envelope>'
    )

    assert read_facts(data) == Facts("xml", "envelope", "me", "42", "Order 1")


@pytest.mark.parametrize(
    "data",
    [
        edifact("BGM+220+1", *["FTX+ZZZ+++" + "ü" * 60] * 3000, charset="UNOY:4"),
        x12("BEG*00*SA*1", *["MSG*" + "x" * 60] * 3000),
        b"<a>" + b"<b/>" * 50_000 + b"</a>",
    ],
    ids=["edifact", "x12", "xml"],
)
def test_facts_of_a_large_document_come_from_its_beginning(data):
    assert read_facts(data).document_type in ("ORDERS", "850", "a")


def test_facts_of_xml_that_is_broken_are_empty():
    assert read_facts(b"<a><b></c>") == Facts("xml", "a")


def test_facts_of_xml_with_an_unknown_prefix_are_read():
    assert read_facts(b"<x:order><y:a/></x:order>").document_type == "x:order"


def test_a_table_keeps_its_columns_by_name():
    root = tables.read("Nr;Größe;;Nr\n1;M;x;2\n\n3;L;y;4;zusatz\n".encode("cp1252"))

    assert root.xpath("row[1]/col/@name") == ["Nr", "Größe", "column_3", "Nr_2"]
    assert root.xpath("string(row[@n='4']/col[@name='column_5'])") == "zusatz"


def test_many_columns_of_one_name_are_told_apart():
    header = ";".join(["x"] * 1_000)

    assert tables.column_names(header.split(";"))[-1] == "x_1000"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter):
    text = f'a{delimiter}b\n"1{delimiter}5"{delimiter}2\n'

    assert tables.read(text.encode()).xpath("string(row/col)") == f"1{delimiter}5"


def test_a_quote_that_is_not_closed_is_refused():
    with pytest.raises(DocumentRefused):
        tables.read(b'a,b\n"1,2\n3,4\n')


def test_a_written_table_runs_no_formula():
    root = etree.fromstring("<rows><row><a>=1+1</a><b>-5,20</b><c>@x</c></row></rows>")

    assert tables.write(root).decode().splitlines()[1] == "'=1+1,\"-5,20\",'@x"


def test_a_table_written_as_text_runs_no_formula_either():
    assert tables.rewritten(b"a;b\n=1;2\n").splitlines()[1] == b"'=1;2"


def test_what_has_no_rows_is_no_table():
    with pytest.raises(ConversionFailed):
        tables.write(etree.fromstring("<order/>"))


@pytest.mark.parametrize(
    "text",
    [
        b'{"order": "4711", "lines": [{"qty": 2.50}, {"qty": 1e3}], "note": null, "paid": true}',
        b'[1, "2", [], {}, [[3]], {"": "empty", "two words": {"item": [""]}}]',
        b'"text"',
        b"12345678901234567890.12345678901234567890",
    ],
)
def test_json_survives_the_way_through_xml(text):
    assert json_tree.write(json_tree.read(text)) == text


def test_elements_of_the_same_name_become_a_list_in_json():
    root = etree.fromstring("<a><b>1</b><b>2</b><c><d/></c></a>")

    assert json_tree.write(root) == b'{"b": ["1", "2"], "c": {"d": ""}}'


@pytest.mark.parametrize(
    "xml", ['<a type="number">x</a>', '<a type="boolean">1</a>', '<a type="?"/>']
)
def test_xml_that_is_not_what_it_says_is_no_json(xml):
    with pytest.raises(ConversionFailed):
        json_tree.write(etree.fromstring(xml))


def test_json_that_is_broken_is_refused_with_its_place():
    with pytest.raises(DocumentRefused) as caught:
        view(b'{"a": 1,\n "b" 2}', "a.json")

    assert (caught.value.line, caught.value.column) == (2, 6)


@pytest.mark.parametrize("data", [b"[NaN]", b"[Infinity]", b'{"a": \xff}'])
def test_what_json_does_not_have_is_refused(data):
    with pytest.raises(DocumentRefused):
        json_tree.read(data)


def test_a_workbook_is_read_sheet_by_sheet():
    book = openpyxl.Workbook()
    book.active.append(["Nr", "Date", "Paid"])
    book.active.append([1.0, datetime.datetime(2026, 11, 20), True])
    book.create_sheet("Second").append(["x"])
    target = io.BytesIO()
    book.save(target)

    root = etree.fromstring(view(target.getvalue(), "a.xlsx"))

    assert root.xpath("sheet/@name") == ["Sheet", "Second"]
    assert root.xpath("sheet[1]/row/col/text()") == ["1", "2026-11-20", "true"]


def test_a_written_workbook_has_numbers_and_texts():
    root = etree.fromstring("<rows><row><a>12.5</a><b>=1+1</b><c>007</c></row></rows>")

    sheet = openpyxl.load_workbook(io.BytesIO(workbook.write(root))).active

    assert [(cell.value, cell.data_type) for cell in sheet[2]] == [
        (12.5, "n"),
        ("=1+1", "s"),
        ("007", "s"),
    ]


def test_text_is_shown_in_lines():
    assert b'<line n="2">two &amp; more</line>' in view(b"one\ntwo & more", "a.txt")


def test_xml_is_shown_as_it_is():
    assert view(b"<a>\n <!-- c --><b x='1'/></a>", "a.xml").endswith(
        b'<a>\n <!-- c --><b x="1"/></a>'
    )


def test_xml_that_is_broken_is_refused_with_its_line_and_no_word_of_it():
    with pytest.raises(DocumentRefused) as caught:
        view(b"<a>\n<secret>\n</a>", "a.xml")

    assert caught.value.line == 3
    assert "secret" not in str(caught.value)
