"""The template language of messages, for documents (see `omnichannel.rendering`).

Names: `doc` is the root of the view, `format` its kind, `parameters` and `dictionaries` are the
rule's. Of a tree, `doc.UNB.UNB02.UNB0201` is the first such element, `doc.MESSAGE_all` the list of
all of that name, `doc["@name"]` an attribute, `.text` the text of an element that has more in it.
For tables (CSV, XLSX) `rows` is a list of {column: text}; for JSON `doc` is the document
itself; of an envelope `fields` are its texts by name and `tables` lists of rows of such texts.

Towards the native envelope and XML values are escaped for XML, towards JSON for a JSON text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from integrations.conversion.engines.task import Made, Task
from integrations.conversion.xml_reading import elements, local_name
from integrations.exceptions import ConversionFailed, RuleInvalid
from omnichannel.exceptions import TemplateError
from omnichannel.rendering.environment import HTML, TEXT, run

Element = Any  # lxml has no types
MAX_SOURCE = 500_000
MAX_DEPTH = 200
QUOTED = re.compile("[\"']([^\"']*)[\"']")
PLAIN = ("json", "text", "csv")  # what is not XML


def compiled(body: str, output: str) -> Callable[[Task, Any], Made]:
    """Raises RuleInvalid with line and column."""
    if len(body) > MAX_SOURCE:
        raise RuleInvalid(f"A template has {MAX_SOURCE:,} characters at most.", "jinja")
    language = TEXT if output in PLAIN else HTML
    try:
        template = language.load(body)
    except TemplateError as error:
        raise RuleInvalid(
            str(error), "jinja", line=int(error.line or 0), column=error.column or 0
        ) from error

    def convert(task: Task, _: Any) -> Made:
        try:
            return Made(text=run(template, names_of(task)).encode())
        except TemplateError as error:
            line = int(error.line or 0)
            text = f"The template, line {line}: {_without_values(str(error), body)}"
            raise ConversionFailed(text, "jinja", line=line) from error

    return convert


def _without_values(text: str, body: str) -> str:
    """What is quoted may be a part of the document, unless the template itself has it."""
    return QUOTED.sub(lambda match: match[0] if match[1] in body else "a value", text)


def names_of(task: Task) -> dict[str, Any]:
    root = local_name(task.view)
    names: dict[str, Any] = {
        "doc": of_json(task.view) if root == "json" else of_element(task.view),
        "format": root,
        "rows": rows_of(task.view) if root in ("rows", "workbook") else [],
        "parameters": dict(task.parameters),
        "dictionaries": {name: dict(words) for name, words in task.dictionaries.items()},
    }
    if root == "envelope":
        names.update(_of_envelope(task.view))
    found: dict[str, Any] = _escaped(names) if task.output == "json" else names
    return found


def _of_envelope(root: Element) -> dict[str, Any]:
    tables = {
        table.get("name"): [_cells(row) for row in elements(table)]
        for table in root.iterfind("fields/table")
    }
    fields = root.find("fields")
    return {"fields": {} if fields is None else _cells(fields), "tables": tables}


def _cells(parent: Element) -> dict[str, str]:
    return {each.get("name"): each.text or "" for each in parent.iterfind("field")}


def of_element(element: Element, depth: int = 0) -> Any:
    if depth > MAX_DEPTH:
        raise ConversionFailed(f"The document is over {MAX_DEPTH} levels deep.", "too_deep")
    children = elements(element)
    if not children and not element.attrib:
        return str(element.xpath("string()")) if len(element) else element.text or ""
    found: dict[str, Any] = {f"@{name}": str(value) for name, value in element.attrib.items()}
    for child in children:
        value = of_element(child, depth + 1)
        found.setdefault(local_name(child), value)
        found.setdefault(f"{local_name(child)}_all", []).append(value)
    if not children:
        found["text"] = element.text or ""
    return found


def of_json(element: Element) -> Any:
    children = elements(element)
    kind = element.get("type") or ("object" if children else "string")
    if kind == "array":
        return [of_json(child) for child in children]
    if kind == "object":
        return {child.get("name", local_name(child)): of_json(child) for child in children}
    text = element.text or ""
    if kind in ("number", "boolean"):
        return json.loads(text)
    return None if kind == "null" else text


def rows_of(root: Element) -> list[dict[str, str]]:
    return [
        {cell.get("name", ""): cell.text or "" for cell in elements(row)}
        for row in root.iter("row")
    ]


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)[1:-1]
    if isinstance(value, Mapping):
        return {key: _escaped(part) for key, part in value.items()}
    return [_escaped(part) for part in value] if isinstance(value, list) else value
