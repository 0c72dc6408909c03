"""What an engine made, as a file of the kind that a rule asks for."""

from __future__ import annotations

from typing import Any

from integrations.conversion import edi_tree, edifact, json_tree, tables, workbook, x12
from integrations.conversion.formats import MEDIA_TYPES, Format
from integrations.conversion.views import view_of
from integrations.conversion.xml_reading import parse, serialised
from integrations.exceptions import ConversionFailed, DocumentRefused

Element = Any  # lxml has no types
NATIVE = "native"
OUTPUTS = ("xml", "json", "csv", "xlsx", "edifact", "x12", "text")


def from_tree(root: Element, output: str) -> bytes:
    """Raises ConversionFailed that names element and line of what does not fit."""
    if output == "xml":
        return serialised(root)
    if output == "json":
        return json_tree.write(root)
    if output == "csv":
        return tables.write(root)
    if output == "xlsx":
        return workbook.write(root)
    if output == "text":
        return str(root.xpath("string()")).encode()
    return edi_tree.write(root)


def from_text(text: bytes, output: str) -> bytes:
    """A file that an engine wrote itself; its form is looked at. Raises ConversionFailed."""
    if output == "text":
        return text
    if output == "csv":
        return tables.rewritten(text)
    if output == "xlsx":
        raise ConversionFailed("A workbook is made of XML: write <rows><row>.", "output")
    check = {
        "xml": parse,
        "json": json_tree.loaded,
        "edifact": edifact.read,
        "x12": x12.read,
    }[output]
    try:
        check(text)
    except DocumentRefused as error:
        raise made_wrong(error) from error
    return text


def tree_of(result: bytes, filename: str) -> Element:
    """A written result as XML, to be validated. Raises ConversionFailed."""
    try:
        return view_of(result, filename)[0]
    except DocumentRefused as error:
        raise made_wrong(error) from error


def made_wrong(error: DocumentRefused) -> ConversionFailed:
    text = f"What the rule made cannot be read. {error}"
    return ConversionFailed(text, error.code, line=error.line, column=error.column)


def media_type(output: str) -> str:
    return MEDIA_TYPES[Format.XML if output == NATIVE else Format(output)]
