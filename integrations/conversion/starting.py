"""A first field map for an example: fields for what is there once, a table for what repeats."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from lxml import etree

from integrations.conversion.xml_reading import elements, local_name

Element = Any  # lxml has no types
MAX_FIELDS = 60
MAX_COLUMNS = 40
MAX_LOOKED_AT = 20_000
NUMBERS = ("BGM/BGM02", "BEG/BEG03", "BAK/BAK03", "BSN/BSN02", "BIG/BIG02")
SERVICE = {
    "UNB", "UNG", "UNH", "UNS", "UNT", "UNE", "UNZ", "CNT",
    "ISA", "GS", "ST", "CTT", "SE", "GE", "IEA",
}  # fmt: skip


def map_of(root: Element) -> str:
    """The body of an OUT rule with the engine fieldmap, as JSON."""
    namespaces: dict[str, str] = {}
    table = _most_repeated(root)
    fields = _fields(root, table, namespaces)
    result: dict[str, Any] = {"subject": _subject(root), "attach": True, "fields": fields}
    if table is not None:
        result["tables"] = {"lines": _table(root, table, namespaces)}
    if namespaces:
        result = {"namespaces": namespaces, **result}
    return json.dumps(result, indent=2, ensure_ascii=False)


def _subject(root: Element) -> Any:
    kind = {"EDIFACT": "MESSAGE/@type", "X12": "FUNCTIONAL_GROUP/MESSAGE/@type"}.get(root.tag)
    if kind is None:
        return {"constant": "Document"}
    message = kind.removesuffix("/@type")
    for number in NUMBERS:
        if root.find(f"{message}/{number}") is not None:
            return {"parts": [kind, f"{message}/{number}"], "join": " "}
    return {"path": kind}


def _most_repeated(root: Element) -> Element:
    """The first of those that stand side by side and hold the most together."""
    best, most = None, 0
    for parent in islice(root.iter(etree.Element), MAX_LOOKED_AT):
        children = [child for child in elements(parent) if len(child)]
        for tag, times in Counter(child.tag for child in children).items():
            same = [child for child in children if child.tag == tag]
            size = sum(len(child) * len(child[0]) + len(child) for child in same)
            if times > 1 and size > most:
                best, most = same[0], size
    return best


def _fields(root: Element, table: Element, namespaces: dict[str, str]) -> dict[str, Any]:
    skipped = (
        set() if table is None else {child for child in table.getparent() if child.tag == table.tag}
    )
    found: dict[str, Any] = {}
    for leaf in islice(_leaves(root, skipped), MAX_LOOKED_AT):
        if len(found) >= MAX_FIELDS:
            break
        name = _field_name(leaf)
        if name not in found:
            found[name] = _path(leaf, root, namespaces)
    return found


def _table(root: Element, first: Element, namespaces: dict[str, str]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for leaf in islice(_leaves(first, set()), MAX_LOOKED_AT):
        if len(columns) >= MAX_COLUMNS:
            break
        if local_name(leaf) == "col":
            columns.setdefault(leaf.get("name"), {"column": leaf.get("name")})
        elif (name := _field_name(leaf)) not in columns:
            columns[name] = _path(leaf, first, namespaces)
    return {"each": _path(first, root, namespaces, is_repeated=True), "columns": columns}


def _leaves(parent: Element, skipped: set[Element]) -> Iterator[Element]:
    waiting = [iter(elements(parent))]
    while waiting:
        element = next(waiting[-1], None)
        if element is None:
            waiting.pop()
        elif element not in skipped and element.tag not in SERVICE:
            children = elements(element)
            if children:
                waiting.append(iter(children))
            elif (element.text or "").strip():
                yield element


def _field_name(leaf: Element) -> str:
    """BGM0201 stays so; a <qty> of an <item> is qty."""
    name = leaf.get("name") or local_name(leaf)
    return re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_").lower()[:60] or "field"


def _path(
    element: Element, root: Element, namespaces: dict[str, str], *, is_repeated: bool = False
) -> str:
    steps: list[str] = []
    at = element
    while at is not root:
        parent = at.getparent()
        same = [child for child in elements(parent) if child.tag == at.tag]
        number = (
            "" if len(same) == 1 or (is_repeated and at is element) else (f"[{same.index(at) + 1}]")
        )
        steps.append(_step(at, namespaces) + number)
        at = parent
    return "/".join(reversed(steps)) or "."


def _step(element: Element, namespaces: dict[str, str]) -> str:
    space = element.nsmap.get(element.prefix) if element.tag.startswith("{") else ""
    if not space:
        return local_name(element)
    prefix = next((each for each, uri in namespaces.items() if uri == space), "")
    if not prefix:
        prefix = element.prefix or f"ns{len(namespaces) + 1}"
        namespaces[prefix] = space
    return f"{prefix}:{local_name(element)}"
