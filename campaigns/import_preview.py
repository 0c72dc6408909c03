"""The first rows of an uploaded file, and how it seems to be written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from campaigns.import_mapping import (
    Mapping,
    guess,
    looks_like_header,
    variable_names,
)
from campaigns.models import AudienceImport
from omnichannel.choices import Encoding
from omnichannel.csv_source import ROWS, Record, delimiter_of, head
from omnichannel.exceptions import ImportRefused


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


def detect(path: str | Path, encoding: str) -> tuple[str, bool]:
    """The delimiter, and whether the first row looks like a header."""
    encoding = encoding or Encoding.CP1252
    delimiter = delimiter_of(path, encoding)
    records = head(path, encoding, delimiter)
    return delimiter, bool(records) and looks_like_header(records[0][1])
