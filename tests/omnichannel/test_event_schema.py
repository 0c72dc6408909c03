from __future__ import annotations

import pytest

from omnichannel.event_schema import check, check_values, declared
from omnichannel.exceptions import InvalidEvent

DEEP: dict = {}
for _ in range(40):
    DEEP = {"items": DEEP}


def errors_of(schema, values):
    with pytest.raises(InvalidEvent) as refused:
        check(schema, values)
    return dict(refused.value.errors)


@pytest.mark.parametrize(
    "schema",
    [
        [],
        {"type": "array"},
        {"properties": 3},
        {"required": "order_id"},
        {"allOf": 3},
        {"items": 5},
        {"$ref": "#"},
        {"properties": {"a": {"$ref": "https://example.com/schema.json"}}},
        {"$id": "https://example.com/", "$dynamicRef": "#a"},
        {"$schema": "http://json-schema.org/draft-04/schema#"},
        {"properties": {"a": {"type": "string", "pattern": "(a+)+$"}}},
        {"patternProperties": {"(a+)+$": {}}},
        {"properties": {"a": {"type": "array", "uniqueItems": True}}},
        {"properties": {"a": {"format": "regex"}}},
        {"properties": {"a": {"format": ["date"]}}},
        {"properties": {"__class__": {}}},
        {"properties": {"a.b": {}}},
        {"description": "a" * 20_001},
        {"description": "\0"},
        {"allOf": [{"anyOf": [{}] * 20}] * 20},
        DEEP,
    ],
)
def test_a_schema_that_reaches_out_or_takes_long_is_refused(schema):
    assert set(errors_of(schema, {})) == {"variables_schema"}


def test_sample_data_that_does_not_fit_is_told_by_name():
    schema = {
        "required": ["a"],
        "properties": {"b": {"items": {"required": ["c"]}}},
        "additionalProperties": False,
    }

    found = errors_of(schema, {"b": [{}], "d": 1})

    assert found == {
        "sample_data.a": "This variable is missing.",
        "sample_data.b.0.c": "This variable is missing.",
        "sample_data.d": "The event has no such variable.",
    }


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("date", "2026-03-02", "2026-02-30"),
        ("date-time", "2026-03-02T12:00:00Z", "2026-03-02T12:00:00"),
        ("email", "ana@example.com", "ana"),
        ("phone", "+12025550143", "12"),
        ("uri", "https://example.com/a", "javascript:alert(1)"),
        ("uuid", "5c1f6a52-6f0c-4f3c-9a55-9f6f0c4c2f11", "5c1f"),
    ],
)
def test_formats_are_held_against_the_values(form, good, bad):
    schema = {"properties": {"a": {"format": form}}}

    check_values(schema, {"a": good})
    with pytest.raises(InvalidEvent, match=r"variables\.a"):
        check_values(schema, {"a": bad})


def test_values_that_are_no_object_or_too_much_are_refused():
    for values in ([1], None, {"a": ["x"] * 2_001}, {"a": "x" * 100_001}):
        with pytest.raises(InvalidEvent):
            check_values({}, values)


def test_an_empty_schema_takes_any_variable():
    check({}, {"anything": [1, {"goes": None}]})


def test_declared_names_are_found_in_the_parts_too():
    schema = {"properties": {"a": {}}, "anyOf": [{"properties": {"b": {}}}, True]}

    assert declared(schema) == {"a", "b"}
