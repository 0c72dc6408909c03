"""A map of fields in JSON: no code, only where each text comes from.

For OUT (to the native envelope), all optional but the subject:

    {"namespaces": {"cbc": "urn:..."},
     "each": "MESSAGE",                             one envelope for each; paths start there
     "subject": {"parts": [{"constant": "Order "}, "BGM/BGM02"]},
     "message": "...",
     "recipients": [{"scheme": "GLN", "value": "GROUP_2/NAD[NAD01='SU']/NAD02/NAD0201"}],
     "attach": true,                                the file itself becomes a document
     "fields": {"order_number": "BGM/BGM02/BGM0201"},
     "tables": {"lines": {"each": "GROUP_25",
                          "columns": {"sku": "LIN/LIN03/LIN0301",
                                      "qty": {"path": "QTY/QTY01/QTY0102", "format": "number"}}}}}

For IN (from the native envelope) to xml, json, csv and xlsx: "root" (a name), "fields" and
"tables"; to text: "text" (a value); to edifact and x12 "segments", whose trailers are computed:

    {"segments": [["UNB", [{"constant": "UNOC"}, {"constant": "3"}], {"parameter": "SENDER"}],
                  {"when": "fields/field[@name='note']", "segments": [["FTX", ...]]},
                  {"each": "fields/table/row", "segments": [["LIN", "field[@name='sku']"]]}]}

A value is a path (XPath 1.0, from the root of the view or from "each"), a number, or an object
with one of

    "path" | "column" (of a row of a table) | "constant" | "parameter" (SENDER_MAILBOX)
    | "lookup" (a dictionary) with "key" (a value) | "parts" (values) with "join"

and with any of "map" ({"9": "new"}), "default", "required" (true), "format": "trim", "upper",
"lower", "digits", "date" with "from" and "to" (yyyyMMdd), "number" with "decimals", "decimal".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lxml import etree

from integrations.conversion.engines.segment_map import segments_of
from integrations.conversion.engines.task import Made, Task
from integrations.conversion.engines.values import (
    Compiler,
    Value,
    found,
    invalid,
    nodes_of,
    word,
)
from integrations.conversion.json_tree import NAME
from integrations.conversion.native import SCHEMES, Document, NativeEnvelope, Recipient
from integrations.conversion.segments import NOT_IN_XML
from integrations.exceptions import ConversionFailed, RuleInvalid

Element = Any  # lxml has no types
Table = tuple[Any, str, dict[str, Value]]  # each, place, columns
MAX_BODY = 500_000
MAX_ROWS = 100_000
MAX_ENVELOPES = 1_000
OUT_KEYS = {
    "namespaces", "each", "subject", "message", "recipients", "attach", "fields", "tables",
}  # fmt: skip
IN_KEYS = {"namespaces", "root", "fields", "tables", "text", "segments"}
EDI = ("edifact", "x12")


def compiled(body: str, output: str) -> Callable[[Task, Document], Made]:
    """Raises RuleInvalid with the place in the map."""
    source = loaded(body)
    namespaces = source.get("namespaces", {})
    if not isinstance(namespaces, dict) or not all(
        isinstance(each, str) and each for each in namespaces.values()
    ):
        raise invalid("namespaces", "it is an object of texts")
    known = OUT_KEYS if output == "native" else IN_KEYS
    if unknown := sorted(set(source) - known):
        raise invalid(unknown[0][:60], f"for {output} a map has {', '.join(sorted(known))}")
    compiler = Compiler(namespaces)
    return _outward(source, compiler) if output == "native" else _inward(source, compiler, output)


def loaded(body: str) -> dict[str, Any]:
    if len(body) > MAX_BODY:
        raise RuleInvalid(f"A field map has {MAX_BODY:,} characters at most.", "fieldmap")
    try:
        source = json.loads(body)
    except json.JSONDecodeError as error:
        text = f"The field map is no JSON: {error.msg}, line {error.lineno}."
        raise RuleInvalid(text, "fieldmap", line=error.lineno, column=error.colno) from error
    except RecursionError as error:
        raise RuleInvalid("The field map is nested too deeply.", "fieldmap") from error
    if not isinstance(source, dict):
        raise RuleInvalid("The field map has to be a JSON object.", "fieldmap")
    return source


def _outward(source: Mapping[str, Any], compiler: Compiler) -> Callable[[Task, Document], Made]:
    if "subject" not in source:
        raise invalid("subject", "an envelope needs one")
    each = compiler.path(source["each"], "each") if "each" in source else None
    subject = compiler.value(source["subject"], "subject")
    message = compiler.value(source.get("message", {"constant": ""}), "message")
    recipients = _recipients(source.get("recipients", []), compiler)
    fields = _values(source.get("fields", {}), "fields", compiler)
    tables = _tables(source.get("tables", {}), compiler)

    def envelope(node: Element, task: Task, document: Document) -> NativeEnvelope:
        title = " ".join(subject(node, task).split())
        if not title:
            raise ConversionFailed("subject: the document has nothing for it.", "required")
        addressed = ((scheme, value(node, task)) for scheme, value in recipients)
        return NativeEnvelope(
            title[:300],
            message(node, task),
            tuple(Recipient(scheme, text[:200]) for scheme, text in addressed if text),
            (document,) if source.get("attach") else (),
            {name: value(node, task) for name, value in fields.items()},
            {name: tuple(_rows(table, node, task)) for name, table in tables.items()},
        )

    def convert(task: Task, document: Document) -> Made:
        nodes = [task.view] if each is None else nodes_of(found(each, task.view, "each"), "each")
        if not 0 < len(nodes) <= MAX_ENVELOPES:
            text = f"each: it leads to {len(nodes)} elements, 1 to {MAX_ENVELOPES:,} are allowed."
            raise ConversionFailed(text, "each")
        return Made(envelopes=tuple(envelope(node, task, document) for node in nodes))

    return convert


def _inward(
    source: Mapping[str, Any], compiler: Compiler, output: str
) -> Callable[[Task, Document], Made]:
    if output in EDI:
        if "segments" not in source:
            raise invalid("segments", f"for {output} they are needed")
        add = segments_of(source["segments"], "segments", compiler)
        return lambda task, _: Made(tree=_with_segments(output, add, task))
    if output == "text":
        value = compiler.value(source.get("text"), "text")
        return lambda task, _: Made(text=value(task.view, task).encode())
    root = _name(word(source.get("root", "document"), "root"), "root")
    fields = _values(source.get("fields", {}), "fields", compiler)
    tables = _tables(source.get("tables", {}), compiler)
    if not fields and not tables:
        raise invalid("fields", "there has to be a field or a table")
    return lambda task, _: Made(tree=_tree(root, fields, tables, task))


def _with_segments(output: str, add: Callable[..., None], task: Task) -> Element:
    root = etree.Element(output.upper())
    add(root, task.view, task)
    return root


def _tree(
    name: str, fields: Mapping[str, Value], tables: Mapping[str, Table], task: Task
) -> Element:
    root = etree.Element(name)
    for field, value in fields.items():
        _add(root, field, value(task.view, task))
    if not tables and task.output in ("csv", "xlsx"):
        row = etree.Element("row")
        row.extend(list(root))
        root.append(row)
    for table, columns in tables.items():
        is_json = task.output == "json"
        element = etree.SubElement(root, table, {"type": "array"} if is_json else {})
        for cells in _rows(columns, task.view, task):
            row = etree.SubElement(element, "item" if is_json else "row")
            for column, text in cells.items():
                _add(row, column, text)
    return root


def _add(parent: Element, name: str, text: str) -> None:
    if NAME.match(name):
        element = etree.SubElement(parent, name)
    else:
        element = etree.SubElement(parent, "field", name=NOT_IN_XML.sub(" ", name))
    element.text = NOT_IN_XML.sub(" ", text)


def _recipients(source: Any, compiler: Compiler) -> list[tuple[str, Value]]:
    if not isinstance(source, list) or len(source) > 100:
        raise invalid("recipients", "it is a list of up to 100 objects")
    result = []
    for at, item in enumerate(source):
        place = f"recipients[{at}]"
        if not isinstance(item, dict) or set(item) != {"scheme", "value"}:
            raise invalid(place, "it has a scheme and a value")
        if item["scheme"] not in SCHEMES:
            raise invalid(place, f"scheme is one of {', '.join(SCHEMES)}")
        result.append((item["scheme"], compiler.value(item["value"], place)))
    return result


def _values(source: Any, place: str, compiler: Compiler) -> dict[str, Value]:
    if not isinstance(source, dict) or len(source) > 1_000:
        raise invalid(place, "it is an object of up to 1,000 values")
    for name in source:
        if not name.strip() or len(name) > 200:
            raise invalid(place, "a name has 1 to 200 characters")
    return {name: compiler.value(item, f"{place}.{name}") for name, item in source.items()}


def _tables(source: Any, compiler: Compiler) -> dict[str, Table]:
    if not isinstance(source, dict) or len(source) > 50:
        raise invalid("tables", "it is an object of up to 50 tables")
    result: dict[str, Table] = {}
    for name, item in source.items():
        place = f"tables.{name[:60]}"
        if not isinstance(item, dict) or set(item) != {"each", "columns"}:
            raise invalid(place, "a table has each and columns")
        columns = _values(item["columns"], f"{place}.columns", compiler)
        each = compiler.path(item["each"], f"{place}.each")
        result[_name(name, place)] = (each, place, columns)
    return result


def _rows(table: Table, node: Element, task: Task) -> Iterator[dict[str, str]]:
    each, place, columns = table
    nodes = nodes_of(found(each, node, place), place)
    if len(nodes) > MAX_ROWS:
        raise ConversionFailed(f"{place}: it has over {MAX_ROWS:,} rows.", "too_large")
    for row in nodes:
        yield {name: value(row, task) for name, value in columns.items()}


def _name(name: str, place: str) -> str:
    if not NAME.match(name):
        raise invalid(place, "a name has letters, digits and _ only")
    return name
