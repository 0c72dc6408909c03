from __future__ import annotations

import json

import pytest
from lxml import etree

from integrations.conversion.engines import fieldmap
from integrations.conversion.engines.task import Task
from integrations.conversion.native import Document
from integrations.exceptions import ConversionFailed, RuleInvalid

VIEW = etree.fromstring(
    "<o><n> A-1 </n><d>20261120</d><s>1.234,50</s><k>9</k><rows><row><col name='Qty'>3</col></row>"
    "</rows></o>"
)
SOURCE = Document("a.xml", "application/xml", b"<o/>")


def value(source: object, **words) -> str:
    body = json.dumps({"subject": {"constant": "x"}, "fields": {"a": source}})
    made = fieldmap.compiled(body, "native")(Task(VIEW, "native", **words), SOURCE)
    return made.envelopes[0].fields["a"]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("n", "A-1"),
        ("nothing", ""),
        ("count(*)", "5"),
        ("n = ' A-1 '", "true"),
        (5, "5"),
        ({"constant": "c"}, "c"),
        ({"path": "nothing", "default": "d"}, "d"),
        ({"path": "n", "format": "lower"}, "a-1"),
        ({"path": "n", "format": "digits"}, "1"),
        ({"path": "d", "format": "date", "to": "dd.MM.yyyy"}, "20.11.2026"),
        ({"path": "d", "format": "date", "from": "yyyyMMdd", "to": "yyyy"}, "2026"),
        ({"path": "s", "format": "number", "decimals": 1}, "1234.5"),
        ({"path": "s", "format": "number", "decimals": 2, "decimal": ","}, "1234,50"),
        ({"path": "k", "map": {"9": "new"}}, "new"),
        ({"parts": ["n", "nothing", "k"], "join": "/"}, "A-1/9"),
        ({"parts": [{"constant": "Nr "}, "k"]}, "Nr 9"),
        ({"parameter": "WHO"}, "me"),
        ({"lookup": "units", "key": "k"}, "nine"),
    ],
)
def test_a_value_comes_from_where_the_map_says(source, text):
    found = value(source, parameters={"WHO": "me"}, dictionaries={"units": {"9": "nine"}})

    assert found == text


def test_columns_of_a_table_are_read_by_name():
    body = {
        "subject": {"constant": "x"},
        "tables": {"t": {"each": "rows/row", "columns": {"q": {"column": "Qty"}}}},
    }

    made = fieldmap.compiled(json.dumps(body), "native")(Task(VIEW, "native"), SOURCE)

    assert made.envelopes[0].tables == {"t": ({"q": "3"},)}


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ({"path": "nothing", "required": True}, "required"),
        ({"path": "n", "format": "date"}, "date"),
        ({"path": "n", "format": "number"}, "number"),
        ({"lookup": "none", "key": "k"}, "dictionary"),
        ("unknown(1)", "path"),
    ],
)
def test_a_value_that_cannot_be_made_is_told_without_the_document(source, code):
    with pytest.raises(ConversionFailed) as caught:
        value(source)

    assert caught.value.code == code
    assert "A-1" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{}",
        '{"subject": "(("}',
        '{"subject": ""}',
        '{"subject": true}',
        '{"subject": {"path": "a", "constant": "b"}}',
        '{"subject": {"path": "a", "formula": "b"}}',
        '{"subject": {"path": "a", "format": "python"}}',
        '{"subject": {"path": "a", "format": "date", "to": "QQ"}}',
        '{"subject": {"path": "a", "format": "number", "decimals": 99}}',
        '{"subject": {"lookup": "a"}}',
        '{"subject": {"parts": []}}',
        '{"subject": "a", "unknown": 1}',
        '{"subject": "a", "recipients": [{"scheme": "PHONE", "value": "a"}]}',
        '{"subject": "a", "tables": {"t": {"each": "a"}}}',
        '{"subject": "a", "tables": {"a b": {"each": "a", "columns": {}}}}',
        '{"subject": "a", "namespaces": []}',
        '{"subject": "x:a"}',
        "[" * 100_000,
    ],
)
def test_a_map_that_cannot_work_is_refused(body):
    with pytest.raises((RuleInvalid, ConversionFailed)):
        fieldmap.compiled(body, "native")(Task(VIEW, "native"), SOURCE)


@pytest.mark.parametrize(
    ("body", "output"),
    [
        ('{"segments": []}', "edifact"),
        ('{"segments": [["bgm"]]}', "edifact"),
        ('{"segments": [{"each": "a"}]}', "x12"),
        ('{"fields": {}}', "xml"),
        ('{"root": "a b", "fields": {"a": "a"}}', "xml"),
        ('{"text": {}}', "text"),
    ],
)
def test_a_map_towards_a_file_that_cannot_work_is_refused(body, output):
    with pytest.raises(RuleInvalid):
        fieldmap.compiled(body, output)


def test_segments_are_there_when_the_map_says_so():
    body = {
        "segments": [
            {"when": "n", "segments": [["AAA", "n"]]},
            {"when": "nothing", "segments": [["BBB", "n"]]},
        ]
    }

    made = fieldmap.compiled(json.dumps(body), "edifact")(Task(VIEW, "edifact"), SOURCE)

    assert [each.tag for each in made.tree] == ["AAA"]
