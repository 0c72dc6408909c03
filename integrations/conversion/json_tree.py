"""JSON as XML, and back without loss.

    {"order": "4711", "lines": [{"qty": 2}]} is
    <json><order>4711</order><lines type="array"><item type="object"><qty type="number">2</qty>
    </item></lines></json>

A key that is no name of an element becomes <item name="the key">. On the way back an element
without a type is a text when it has no elements in it, an object when it has, and a list where
several of the same name stand side by side.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from integrations.conversion.segments import NOT_IN_XML
from integrations.conversion.xml_reading import elements, local_name
from integrations.exceptions import ConversionFailed, DocumentRefused

Element = Any  # lxml has no types
MAX_DEPTH = 100
MAX_VALUES = 2_000_000
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}\Z")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\Z")


class Number(str):
    """A number as it was written: nothing is rounded."""

    __slots__ = ()


def read(data: bytes) -> Element:
    """Raises DocumentRefused."""
    value = loaded(data)
    root = etree.Element("json")
    waiting = [(root, value, 0)]
    for count in range(MAX_VALUES):
        if not waiting:
            return root
        element, part, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise DocumentRefused(f"JSON: it is more than {MAX_DEPTH} levels deep.", "too_deep")
        waiting += _filled(element, part, depth, is_root=not count)
    raise DocumentRefused(f"JSON: there are more than {MAX_VALUES:,} values.", "too_large")


def loaded(data: bytes) -> Any:
    """Numbers are `Number`. Raises DocumentRefused with line and column."""
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        return json.loads(
            text, parse_int=Number, parse_float=Number, parse_constant=_refused_constant
        )
    except json.JSONDecodeError as error:
        text = f"JSON: {error.msg.lower()}, line {error.lineno}, column {error.colno}."
        raise DocumentRefused(text, "json", line=error.lineno, column=error.colno) from error
    except RecursionError as error:
        raise DocumentRefused(
            f"JSON: it is more than {MAX_DEPTH} levels deep.", "too_deep"
        ) from error
    except UnicodeDecodeError as error:
        raise DocumentRefused("JSON: it is not written in UTF-8.", "json") from error


def _refused_constant(name: str) -> Any:
    raise DocumentRefused(f"JSON: {name} is not a number that JSON has.", "json")


def _filled(
    element: Element, value: Any, depth: int, *, is_root: bool
) -> list[tuple[Element, Any, int]]:
    """Fill one element; what is inside waits."""
    if isinstance(value, dict):
        if not value or local_name(element) == "item":
            element.set("type", "object")
        return [(_child(element, key), part, depth + 1) for key, part in value.items()]
    if isinstance(value, list):
        element.set("type", "array")
        return [(etree.SubElement(element, "item"), part, depth + 1) for part in value]
    if value is None:
        element.set("type", "null")
    elif isinstance(value, bool):
        element.set("type", "boolean")
        element.text = "true" if value else "false"
    else:
        if isinstance(value, Number):
            element.set("type", "number")
        elif is_root:
            element.set("type", "string")
        element.text = NOT_IN_XML.sub(" ", value)
    return []


def _child(parent: Element, key: str) -> Element:
    if NAME.match(key) and key != "item" and not key.lower().startswith("xml"):
        return etree.SubElement(parent, key)
    return etree.SubElement(parent, "item", name=NOT_IN_XML.sub(" ", key))


def write(root: Element) -> bytes:
    """Raises ConversionFailed that names the line of what is no JSON."""
    return "".join(_written(root, 0)).encode()


def _written(element: Element, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        raise ConversionFailed(f"JSON is {MAX_DEPTH} levels deep at most.", "too_deep")
    children = elements(element)
    kind = element.get("type") or ("object" if children else "string")
    if kind == "object":
        yield from _object(children, depth)
    elif kind == "array":
        yield from _array(children, depth)
    else:
        yield _scalar(element, kind)


def _object(children: list[Element], depth: int) -> Iterator[str]:
    named: dict[str, list[Element]] = {}
    for child in children:
        named.setdefault(child.get("name", local_name(child)), []).append(child)
    yield "{"
    for place, (name, same) in enumerate(named.items()):
        yield f"{', ' if place else ''}{json.dumps(name, ensure_ascii=False)}: "
        yield from _written(same[0], depth + 1) if len(same) == 1 else _array(same, depth + 1)
    yield "}"


def _array(children: list[Element], depth: int) -> Iterator[str]:
    yield "["
    for place, child in enumerate(children):
        yield ", " if place else ""
        yield from _written(child, depth + 1)
    yield "]"


def _scalar(element: Element, kind: str) -> str:
    text = str(element.xpath("string()"))
    plain = text.strip()
    if kind == "string":
        return json.dumps(text, ensure_ascii=False)
    if kind == "null":
        return "null"
    if (kind == "boolean" and plain in ("true", "false")) or (
        kind == "number" and NUMBER.match(plain)
    ):
        return plain
    text = f"<{local_name(element)}> is not of the type that it says."
    raise ConversionFailed(text, "json", line=element.sourceline or 0)
