"""Run as a script: xlsx_child.py SOURCE TARGET. Exit code 3: stderr says why it refuses."""

from __future__ import annotations

import csv
import datetime
import resource
import sys
import zipfile
from collections.abc import Iterator
from typing import NoReturn

import openpyxl

MEMORY = 1024**3
CPU_SECONDS = 100
MAX_UNPACKED = 600 * 1024**2
MAX_RATIO = 200
MAX_CELLS = 30_000_000
REFUSED = 3
ADVICE = " If the disk for uploads is full, ask an administrator to free space on it."


def main(source: str, target: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MEMORY, 2 * MEMORY))
    check_archive(source)
    book = openpyxl.load_workbook(source, read_only=True, data_only=True)
    if not book.worksheets:
        refuse("The workbook has no sheet.")
    sheet = book.worksheets[0]
    sheet.reset_dimensions()
    rows = rows_of(sheet.iter_rows(values_only=True))
    try:
        with open(target, "w", newline="", encoding="utf-8", errors="replace") as file:
            csv.writer(file).writerows(rows)
    except OSError as error:
        refuse(f"The table in the workbook cannot be stored ({error.strerror}).{ADVICE}")


def check_archive(source: str) -> None:
    """A small archive that unpacks to gigabytes is refused before it is unpacked."""
    with zipfile.ZipFile(source) as archive:
        if "xl/workbook.xml" not in archive.namelist():
            refuse("This is a ZIP file, not an Excel workbook. Unpack it and upload the table.")
        for item in archive.infolist():
            is_dense = item.file_size > item.compress_size * MAX_RATIO
            if is_dense and item.file_size > 20 * 1024**2:
                refuse("The workbook unpacks to far more than its size. Save it as CSV instead.")
        if sum(item.file_size for item in archive.infolist()) > MAX_UNPACKED:
            refuse("The workbook is too large when unpacked. Save it as CSV instead.")


def rows_of(rows: Iterator[tuple[object, ...]]) -> Iterator[list[str]]:
    """Cells as text. Every row is as wide as the first, unless it has more."""
    width = cells = 0
    for row in rows:
        texts = [text_of(cell) for cell in row]
        while texts and not texts[-1]:
            texts.pop()
        width = width or len(texts)
        cells += len(row)
        if cells > MAX_CELLS:
            refuse(f"The sheet has more than {MAX_CELLS:,} cells. Save it as CSV instead.")
        yield texts + [""] * (width - len(texts)) if texts else []


def text_of(cell: object) -> str:
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


def refuse(text: str) -> NoReturn:
    sys.stderr.write(text)
    sys.exit(REFUSED)


if __name__ == "__main__":
    main(*sys.argv[1:])
