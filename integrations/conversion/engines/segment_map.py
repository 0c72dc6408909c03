"""The segments that a field map lists for EDIFACT and X12 (see `fieldmap`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lxml import etree

from integrations.conversion.engines.task import Task
from integrations.conversion.engines.values import Compiler, Value, found, invalid, nodes_of
from integrations.conversion.segments import MAX_PARTS, NOT_IN_XML
from integrations.exceptions import ConversionFailed

Element = Any  # lxml has no types
Add = Callable[[Element, Element, Task], None]  # to the parent, from the node
TAG = re.compile(r"[A-Z][A-Z0-9]{1,2}\Z")
MAX_DEPTH = 8
MAX_ROWS = 100_000


def segments_of(source: Any, place: str, compiler: Compiler, depth: int = 0) -> Add:
    """Raises RuleInvalid with the place in the map."""
    if not isinstance(source, list) or not source or depth > MAX_DEPTH:
        raise invalid(place, "it is a list of segments")
    items = [_item(item, f"{place}[{at}]", compiler, depth) for at, item in enumerate(source)]

    def add(parent: Element, node: Element, task: Task) -> None:
        for item in items:
            item(parent, node, task)

    return add


def _item(source: Any, place: str, compiler: Compiler, depth: int) -> Add:
    if isinstance(source, list):
        return _segment(source, place, compiler)
    if not isinstance(source, dict) or set(source) not in (
        {"each", "segments"},
        {"when", "segments"},
    ):
        raise invalid(place, 'it is a segment ["BGM", ...], or has segments and each or when')
    word = "each" if "each" in source else "when"
    path = compiler.path(source[word], f"{place}.{word}")
    inner = segments_of(source["segments"], f"{place}.segments", compiler, depth + 1)

    def each(parent: Element, node: Element, task: Task) -> None:
        nodes = nodes_of(found(path, node, place), place)
        if len(nodes) > MAX_ROWS:
            raise ConversionFailed(f"{place}: it has over {MAX_ROWS:,} rows.", "too_large")
        for row in nodes:
            inner(parent, row, task)

    def when(parent: Element, node: Element, task: Task) -> None:
        if found(path, node, place):
            inner(parent, node, task)

    return each if word == "each" else when


def _segment(source: list[Any], place: str, compiler: Compiler) -> Add:
    tag = source[0] if source else ""
    if not isinstance(tag, str) or not TAG.match(tag) or len(source) > MAX_PARTS + 1:
        raise invalid(place, "a segment begins with its tag, such as BGM")
    elements: list[list[Value]] = []
    for at, item in enumerate(source[1:], 1):
        parts = item if isinstance(item, list) else [item]
        elements.append(
            [
                compiler.value({"constant": ""} if part == "" else part, f"{place}.{tag}{at:02d}")
                for part in parts[:MAX_PARTS]
            ]
        )

    def add(parent: Element, node: Element, task: Task) -> None:
        segment = etree.SubElement(parent, tag)
        for at, parts in enumerate(elements, 1):
            texts = [NOT_IN_XML.sub(" ", part(node, task)) for part in parts]
            if any(texts):
                _add_element(segment, f"{tag}{at:02d}", texts)

    return add


def _add_element(segment: Element, name: str, texts: list[str]) -> None:
    element = etree.SubElement(segment, name)
    if len(texts) == 1:
        element.text = texts[0]
        return
    for number, text in enumerate(texts, 1):
        if text:
            etree.SubElement(element, f"{name}{number:02d}").text = text
