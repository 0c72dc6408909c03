"""Any document as the XML that rules see. Runs in the limited child."""

from __future__ import annotations

from typing import Any

from lxml import etree

from integrations.conversion import edifact, json_tree, tables, workbook, x12
from integrations.conversion.edi_tree import parsed, text_of
from integrations.conversion.formats import MEDIA_TYPES, Format, sniff
from integrations.conversion.segments import NOT_IN_XML
from integrations.conversion.xml_reading import parse
from integrations.exceptions import DocumentRefused

Element = Any  # lxml has no types
MAX_LINES = 500_000


def view_of(data: bytes, filename: str) -> tuple[Element, list[str]]:
    """The root element and warnings. Raises DocumentRefused.

    Text is <text><line n="1">...</line></text>. Of what has no view only a passthrough rule can
    make something.
    """
    kind = sniff(data, filename)
    if kind in (Format.EDIFACT, Format.X12):
        reader = edifact if kind is Format.EDIFACT else x12
        text, warnings = text_of(reader.read(data))  # the segments are gone before it is parsed
        return parsed(text), warnings
    readers = {
        Format.XML: parse,
        Format.JSON: json_tree.read,
        Format.CSV: tables.read,
        Format.XLSX: workbook.read,
        Format.TEXT: _of_text,
    }
    if kind not in readers:
        raise DocumentRefused(
            f"A file of the kind {kind} ({MEDIA_TYPES[kind]}) cannot be read by a rule: "
            "choose the engine passthrough for it.",
            "format",
        )
    return readers[kind](data), []


def _of_text(data: bytes) -> Element:
    lines = NOT_IN_XML.sub(" ", tables.decoded(data)).splitlines()
    if len(lines) > MAX_LINES:
        raise DocumentRefused(f"A text has {MAX_LINES:,} lines at most.", "too_large")
    root = etree.Element("text")
    for number, line in enumerate(lines, 1):
        etree.SubElement(root, "line", n=str(number)).text = line
    return root
