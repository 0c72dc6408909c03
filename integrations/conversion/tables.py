"""CSV as XML: <rows><row n="2"><col name="Order">4711</col></row></rows>, and back."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lxml import etree

from integrations.conversion.formats import BLANK, delimiter_of
from integrations.conversion.segments import NOT_IN_XML
from integrations.conversion.xml_reading import elements, local_name
from integrations.exceptions import ConversionFailed, DocumentRefused
from omnichannel.formulas import escape

Element = Any  # lxml has no types
MAX_ROWS = 500_000
MAX_COLUMNS = 1_000
MAX_CELL = 1_000_000
LONGEST_NAME = 100
NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:[.,][0-9]{1,20})?\Z")


def read(data: bytes) -> Element:
    """Raises DocumentRefused."""
    text = decoded(data)
    delimiter = delimiter_of(text) or _only_delimiter(text)
    root = etree.Element("rows", delimiter=delimiter)
    csv.field_size_limit(MAX_CELL)
    try:
        add_rows(root, csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise DocumentRefused(
            "CSV: a quote is not closed, or a cell is too long.", "csv"
        ) from error
    return root


def decoded(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.lstrip(BLANK[:3]).decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _only_delimiter(text: str) -> str:
    """For a table of one row, which has nothing to be compared with."""
    line = text.split("\n", 1)[0]
    return max((",", ";", "\t", "|"), key=line.count)


def add_rows(root: Element, rows: Iterable[Sequence[str]]) -> None:
    """The first row that has something in it names the columns."""
    names: list[str] = []
    for number, row in enumerate(rows, 1):
        if number > MAX_ROWS or len(row) > MAX_COLUMNS:
            text = f"A table has {MAX_ROWS:,} rows and {MAX_COLUMNS:,} columns at most."
            raise DocumentRefused(text, "too_large", line=number)
        if not any(row):
            continue
        if not names:
            names = column_names(row)
            continue
        element = etree.SubElement(root, "row", n=str(number))
        names += [f"column_{place + 1}" for place in range(len(names), len(row))]
        for name, cell in zip(names, row, strict=False):
            etree.SubElement(element, "col", name=name).text = NOT_IN_XML.sub(" ", cell)


def column_names(header: Sequence[str]) -> list[str]:
    """As they are written; without a name column_3, a second of the same name qty_2."""
    names: dict[str, None] = {}
    counts: dict[str, int] = {}
    for place, cell in enumerate(header, 1):
        name = " ".join(NOT_IN_XML.sub(" ", cell).split())[:LONGEST_NAME] or f"column_{place}"
        found = name
        while found in names:
            counts[name] = counts.get(name, 1) + 1
            found = f"{name}_{counts[name]}"
        names[found] = None
    return list(names)


def table_of(root: Element) -> Iterator[list[str]]:
    """The header and the rows of a tree: <rows><row><col name=...> or <row><sku>.

    Raises ConversionFailed when there are no rows.
    """
    rows = [each for each in root.iter() if local_name(each) == "row"]
    if not rows and local_name(root) != "rows":
        text = "A table is made of <rows><row><col name=...>: there is no <row>."
        raise ConversionFailed(text, "rows", line=root.sourceline or 0)
    found = [{_name(cell): _text(cell) for cell in elements(row)} for row in rows]
    names = list(dict.fromkeys(name for row in found for name in row))
    yield names
    for row in found:
        yield [row.get(name, "") for name in names]


def _name(cell: Element) -> str:
    return str(cell.get("name") or local_name(cell))


def _text(cell: Element) -> str:
    return str(cell.xpath("string()")) if len(cell) else cell.text or ""


def write(root: Element) -> bytes:
    """CSV in UTF-8; a cell that a spreadsheet would run as a formula is made harmless."""
    target = io.StringIO(newline="")
    delimiter = root.get("delimiter", ",")
    writer = csv.writer(target, delimiter=delimiter if len(delimiter) == 1 else ",")
    for row in table_of(root):
        writer.writerow([harmless(cell) for cell in row])
    return target.getvalue().encode()


def harmless(cell: str) -> str:
    return cell if NUMBER.match(cell) else escape(cell)


def rewritten(data: bytes) -> bytes:
    """A table that was written as text, its cells made harmless."""
    text = decoded(data)
    delimiter = delimiter_of(text) or _only_delimiter(text)
    target = io.StringIO(newline="")
    csv.field_size_limit(MAX_CELL)
    writer = csv.writer(target, delimiter=delimiter)
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            writer.writerow([harmless(cell) for cell in row])
    except csv.Error as error:
        raise ConversionFailed(
            "CSV: a quote is not closed, or a cell is too long.", "csv"
        ) from error
    return target.getvalue().encode()
