"""The variables of an event: which JSON Schemas may describe them, and values held against one.

The schemas are JSON Schema 2020-12, less what could reach out or take long: no references, no
regular expressions, nothing that compares all items with all others.
"""

from __future__ import annotations

import datetime
import re
import uuid
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry

from omnichannel.addresses import clean_email, clean_phone
from omnichannel.exceptions import InvalidEvent, InvalidMessage
from omnichannel.json_limits import trouble

MAX_SCHEMA = 20_000  # characters
MAX_VALUES = 100_000
MAX_PARTS = 300  # schemas within a schema
MAX_ERRORS = 20
DIALECT = "https://json-schema.org/draft/2020-12/schema"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")

ONE, MANY, NAMED = (
    ("items", "additionalProperties", "not"),
    ("allOf", "anyOf", "oneOf"),
    "properties",
)
KEYWORDS = frozenset(
    {
        *ONE, *MANY, NAMED, "$schema", "$comment", "title", "description", "default", "examples",
        "type", "enum", "const", "format", "required", "minProperties", "maxProperties",
        "minItems", "maxItems", "minLength", "maxLength", "multipleOf", "minimum", "maximum",
        "exclusiveMinimum", "exclusiveMaximum",
    }
)  # fmt: skip

FORMATS = FormatChecker(formats=())


@FORMATS.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or bool(datetime.date.fromisoformat(value))


@FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.datetime.fromisoformat(value).tzinfo is not None


@FORMATS.checks("email", raises=InvalidMessage)
def _is_email(value: object) -> bool:
    return not isinstance(value, str) or bool(clean_email(value))


@FORMATS.checks("phone", raises=InvalidMessage)
def _is_phone(value: object) -> bool:
    return not isinstance(value, str) or bool(clean_phone(value))


@FORMATS.checks("uri", raises=ValueError)
def _is_web_address(value: object) -> bool:
    if not isinstance(value, str):
        return True
    parts = urlsplit(value)
    return parts.scheme in ("http", "https") and bool(parts.netloc) and not re.search(r"\s", value)


@FORMATS.checks("uuid", raises=ValueError)
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or bool(uuid.UUID(value))


def check(schema: Any, sample: Any) -> None:
    """Both as an event keeps them. Raises InvalidEvent; paths are the model's field names."""
    errors = [("variables_schema", said) for said in islice(_faults(schema), MAX_ERRORS)]
    if not errors:
        errors = _mismatches(schema, sample, "sample_data")
    if errors:
        raise InvalidEvent(errors)


def check_values(schema: Mapping[str, Any], values: Any, path: str = "variables") -> None:
    """Raises InvalidEvent, which names each variable that is missing or does not fit."""
    errors = _mismatches(schema, values, path)
    if errors:
        raise InvalidEvent(errors)


def declared(schema: Any) -> set[str]:
    """The names that `schema` has for variables."""
    if not isinstance(schema, dict):
        return set()
    parts = [part for word in MANY for part in schema.get(word, ())]
    return set(schema.get(NAMED, {})).union(*map(declared, parts))


def _faults(schema: Any) -> Iterator[str]:
    if not isinstance(schema, dict):
        yield "Write a JSON object, such as {}."
        return
    said = trouble(schema, MAX_SCHEMA)
    if said:
        yield said
        return
    if schema.get("type", "object") != "object":
        yield 'The variables are one object: write "type": "object".'
    parts = list(islice(_parts(schema), MAX_PARTS + 1))
    if len(parts) > MAX_PARTS:
        yield f"It has more than {MAX_PARTS} parts."
    faults = [each for part in parts for each in _of_part(part)]
    yield from faults
    if not faults:
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            yield f"{_place(error)}{error.message[:200]}"


def _parts(schema: Any) -> Iterator[Any]:
    """The schema and every schema in it."""
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        yield part
        if not isinstance(part, dict):
            continue
        waiting.extend(part[word] for word in ONE if word in part)
        for word in MANY:
            if isinstance(part.get(word), list):
                waiting.extend(part[word])
        if isinstance(part.get(NAMED), dict):
            waiting.extend(part[NAMED].values())


def _of_part(part: Any) -> Iterator[str]:
    if isinstance(part, bool) or not isinstance(part, dict):
        return  # what is no schema at all, the check of the whole names
    for word in part:
        if word not in KEYWORDS:
            yield f"“{word[:60]}” is not supported."
    if part.get("$schema", DIALECT) != DIALECT:
        yield f"Only JSON Schema 2020-12 is supported: {DIALECT}"
    form = part.get("format")
    if form is not None and (not isinstance(form, str) or form not in FORMATS.checkers):
        yield f"The formats are {', '.join(sorted(FORMATS.checkers))}."
    names = part.get(NAMED)
    for name in names if isinstance(names, dict) else ():
        if not NAME.fullmatch(name):
            yield f"“{name[:60]}” cannot be a name: use letters, digits and _."


def _mismatches(schema: Mapping[str, Any], values: Any, path: str) -> list[tuple[str, str]]:
    if not isinstance(values, dict):
        return [(path, 'Write an object, such as {"order_id": "A-1042"}.')]
    said = trouble(values, MAX_VALUES)
    if said:
        return [(path, said)]
    # An empty registry: nothing is ever looked up elsewhere.
    validator = Draft202012Validator(schema, format_checker=FORMATS, registry=Registry())
    found = islice(validator.iter_errors(values), MAX_ERRORS)
    return list(dict.fromkeys(each for error in found for each in _named(error, path)))


def _named(error: ValidationError, path: str) -> Iterator[tuple[str, str]]:
    place = ".".join([path, *map(str, error.absolute_path)])
    wanted, given = error.validator_value, error.instance
    if error.validator == "required" and isinstance(wanted, list) and isinstance(given, dict):
        for name in wanted:
            if name not in given:
                yield f"{place}.{name}", "This variable is missing."
    elif error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema.get(NAMED, {}) if isinstance(error.schema, dict) else {}
        for name in islice((name for name in error.instance if name not in known), MAX_ERRORS):
            yield f"{place}.{name[:60]}", "The event has no such variable."
    else:
        yield place, f"{error.message[:200]}."


def _place(error: SchemaError) -> str:
    path = ".".join(map(str, error.absolute_path))
    return f"{path}: " if path else ""
