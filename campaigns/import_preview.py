"""The first rows of an uploaded file, and how it seems to be written."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

from campaigns.choices import Delimiter, Encoding
from campaigns.csv_source import CsvSource, Record
from campaigns.import_mapping import (
    ImportRefused,
    Mapping,
    guess,
    looks_like_header,
    variable_names,
)
from campaigns.models import AudienceImport

ROWS = 20


@dataclass(frozen=True)
class Preview:
    """`names`: a variable for each column. `notes`: headers that had to change."""

    headers: list[str]
    names: list[str]
    notes: list[str]
    rows: list[Record]
    mapping: Mapping


def preview(row: AudienceImport) -> Preview:
    """Read the beginning of the file as the import would. Raises ImportRefused."""
    records = head(row.file.path, row.encoding or Encoding.CP1252, row.delimiter)
    if not records:
        raise ImportRefused("The file has no rows.")
    _, first, fault = records[0]
    if fault:
        raise ImportRefused(f"The first row cannot be read. {fault}")
    if not any(cell.strip() for cell in first):
        raise ImportRefused("The first row is empty: it must have the names of the columns.")
    headers = first if row.has_header else [""] * len(first)
    names, notes = variable_names(headers)
    rows = records[1:] if row.has_header else records[:ROWS]
    mapping = guess(names, [fields for _, fields, _ in rows])
    return Preview(headers, names, notes if row.has_header else [], rows, mapping)


def head(path: str | Path, encoding: str, delimiter: str) -> list[Record]:
    """The first record and the twenty after it."""
    with CsvSource(path, encoding, delimiter) as source:
        return list(itertools.islice(source.records(), ROWS + 1))


def detect(path: str | Path, encoding: str) -> tuple[str, bool]:
    """The delimiter that cuts the first rows into the most, and equally many, fields; header."""
    encoding = encoding or Encoding.CP1252
    found = {delimiter: head(path, encoding, delimiter) for delimiter in Delimiter.values}
    delimiter = max(found, key=lambda each: _evenness(found[each]))
    records = found[delimiter]
    return delimiter, bool(records) and looks_like_header(records[0][1])


def _evenness(records: list[Record]) -> float:
    if not records or len(records[0][1]) < 2:
        return 0
    width = len(records[0][1])
    even = sum(len(fields) == width for _, fields, _ in records)
    return even / len(records) * min(width, 20)
