"""Tables on their way out: cells that no spreadsheet runs, and a CSV file written in parts."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Model, QuerySet
from import_export import widgets
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from omnichannel.formulas import escape

ROWS = 500  # of one part
PAGE = 2_000


class SafeText(widgets.Widget):
    """Text that no spreadsheet takes for a formula; the import takes the apostrophe off."""

    def render(self, value: Any, obj: Any = None, **_: Any) -> str:
        return escape(str(value)) if value is not None else ""


class MomentText(widgets.Widget):
    """UTC, as the import reads it."""

    def render(self, value: Any, obj: Any = None, **_: Any) -> str:
        return f"{value:%Y-%m-%d %H:%M:%S}" if value else ""


class _Line:
    """A file whose writes are handed back by the writer: what csv needs to make one line."""

    def write(self, text: str) -> str:
        return text


def csv_parts(resource: Any, rows: Iterable[Any]) -> Iterator[bytes]:
    """The CSV file (UTF-8 with a mark, for Excel) in parts; memory does not grow with it."""
    chosen = resource.get_export_fields()
    writer: Any = csv.writer(_Line())
    yield b"\xef\xbb\xbf" + writer.writerow([field.column_name for field in chosen]).encode()
    lines: list[str] = []
    for row in rows:
        lines.append(writer.writerow([field.export(row) for field in chosen]))
        if len(lines) >= ROWS:
            yield "".join(lines).encode()
            lines = []
    yield "".join(lines).encode()


def workbook(resource: Any, rows: Iterable[Any]) -> bytes:
    """The same as an Excel workbook. It is made in memory: give it a bounded number of rows."""
    chosen = resource.get_export_fields()
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Rows")
    sheet.append([field.column_name for field in chosen])
    for row in rows:
        cells = (str(field.export(row)) for field in chosen)
        sheet.append([ILLEGAL_CHARACTERS_RE.sub("", cell) for cell in cells])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def newest_first(rows: QuerySet[Any]) -> Iterator[Any]:
    """All of them in pages: no long read that would hold back a writer's clean-up."""
    page: list[Model] = list(rows.order_by("-pk")[:PAGE])
    while page:
        yield from page
        page = list(rows.filter(pk__lt=page[-1].pk).order_by("-pk")[:PAGE])
