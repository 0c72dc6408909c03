"""Excel workbooks: read through openpyxl, in the limited child only; written by hand.

    <workbook><sheet name="Orders"><row n="2"><col name="Order">4711</col></row></sheet></workbook>

What is written has texts and numbers only, so nothing in it can run.
"""

from __future__ import annotations

import datetime
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape as escaped

from lxml import etree

from integrations.conversion.segments import NOT_IN_XML
from integrations.conversion.tables import add_rows, table_of
from integrations.exceptions import DocumentRefused

Element = Any  # lxml has no types
MAX_MEMBERS = 1_000
MAX_UNPACKED = 64 * 1024 * 1024
MAX_RATIO = 200
RATIO_FROM = 1024 * 1024  # bytes: what is smaller may be as dense as it likes
MAX_SHEETS = 50
MAX_CELLS = 2_000_000
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,10})?\Z")
SPACE = "http://schemas.openxmlformats.org"
PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{SPACE}/package/2006/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-'
        'officedocument.spreadsheetml.sheet.main+xml"/>'
        '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.'
        'openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{SPACE}/package/2006/relationships"><Relationship Id="rId1" '
        f'Type="{SPACE}/officeDocument/2006/relationships/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{SPACE}/spreadsheetml/2006/main" '
        f'xmlns:r="{SPACE}/officeDocument/2006/relationships">'
        '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{SPACE}/package/2006/relationships"><Relationship Id="rId1" '
        f'Type="{SPACE}/officeDocument/2006/relationships/worksheet" '
        'Target="worksheets/sheet1.xml"/></Relationships>'
    ),
}


def read(data: bytes) -> Element:
    """Raises DocumentRefused."""
    import openpyxl  # it takes a fifth of a second

    check_archive(data)
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        root = etree.Element("workbook")
        for sheet in book.worksheets[:MAX_SHEETS]:
            sheet.reset_dimensions()
            element = etree.SubElement(root, "sheet", name=NOT_IN_XML.sub(" ", sheet.title))
            add_rows(element, _texts(sheet.iter_rows(values_only=True)))
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise unreadable() from error
    except (SyntaxError, zipfile.BadZipFile, EOFError) as error:
        raise unreadable() from error
    return root


def unreadable() -> DocumentRefused:
    text = "The workbook cannot be read: open it in a spreadsheet program and save it again."
    return DocumentRefused(text, "xlsx")


def check_archive(data: bytes) -> None:
    """Nothing is unpacked before all sizes are known; they are counted as well as believed."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise DocumentRefused(f"The workbook has over {MAX_MEMBERS:,} parts.", "bomb")
            _check_sizes(sum(each.file_size for each in members), len(data))
            if len({each.header_offset for each in members}) < len(members):
                raise DocumentRefused("Parts of the workbook lie on one another.", "bomb")
            unpacked = 0
            for member in members:
                with archive.open(member) as file:
                    while piece := file.read(1024 * 1024):
                        unpacked += len(piece)
                        _check_sizes(unpacked, len(data))
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError) as error:
        raise unreadable() from error
    except (RuntimeError, ValueError, zlib.error) as error:  # encrypted, damaged
        raise unreadable() from error


def _check_sizes(unpacked: int, packed: int) -> None:
    if unpacked > MAX_UNPACKED or (unpacked > RATIO_FROM and unpacked > packed * MAX_RATIO):
        text = "The workbook unpacks to far more than its size: send it as CSV."
        raise DocumentRefused(text, "bomb")


def _texts(rows: Iterator[Sequence[Any]]) -> Iterator[list[str]]:
    cells = 0
    for row in rows:
        cells += len(row)
        if cells > MAX_CELLS:
            text = f"A sheet has more than {MAX_CELLS:,} cells: send it as CSV."
            raise DocumentRefused(text, "too_large")
        texts = [text_of(cell) for cell in row]
        while texts and not texts[-1]:
            texts.pop()
        yield texts


def text_of(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    if isinstance(cell, datetime.datetime | datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell)


def write(root: Element) -> bytes:
    """One sheet. Raises ConversionFailed when there are no rows."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in PARTS.items():
            archive.writestr(_member(name), f'<?xml version="1.0" encoding="UTF-8"?>{text}')
        archive.writestr(_member("xl/worksheets/sheet1.xml"), "".join(_sheet(root)))
    return target.getvalue()


def _member(name: str) -> zipfile.ZipInfo:
    found = zipfile.ZipInfo(name)  # always of the same date: the same rows make the same file
    found.compress_type = zipfile.ZIP_DEFLATED
    return found


def _sheet(root: Element) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<worksheet xmlns="{SPACE}/spreadsheetml/2006/main"><sheetData>'
    for number, row in enumerate(table_of(root), 1):
        yield f'<row r="{number}">' + "".join(map(_cell, row)) + "</row>"
    yield "</sheetData></worksheet>"


def _cell(text: str) -> str:
    if NUMBER.match(text):
        return f"<c><v>{text}</v></c>"
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escaped(text)}</t></is></c>'
