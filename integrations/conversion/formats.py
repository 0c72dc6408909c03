"""What kind of file is it? Decided by its first bytes; the name only helps with tables."""

from __future__ import annotations

import csv
import re
from enum import StrEnum

HEAD = 8_192  # bytes that are looked at
DELIMITERS = (",", ";", "\t", "|")
BLANK = b"\xef\xbb\xbf \t\r\n"
NOT_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
TABLE_NAMES = (".csv", ".tsv")


class Format(StrEnum):
    EDIFACT = "edifact"
    X12 = "x12"
    XML = "xml"
    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"
    ZIP = "zip"
    TEXT = "text"
    BINARY = "binary"


MEDIA_TYPES = {
    Format.EDIFACT: "application/edifact",
    Format.X12: "application/edi-x12",
    Format.XML: "application/xml",
    Format.JSON: "application/json",
    Format.CSV: "text/csv",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.ZIP: "application/zip",
    Format.TEXT: "text/plain",
    Format.BINARY: "application/octet-stream",
}


def sniff(data: bytes, filename: str = "") -> Format:
    if data[:4] == b"PK\x03\x04":
        return Format.XLSX if b"xl/workbook.xml" in data else Format.ZIP
    head = data[:HEAD]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _of_text(head.decode("utf-16", "replace").encode(), filename)
    start = head.lstrip(BLANK)
    if re.match(rb"UNA.{6}\s*UNB|UNB[^A-Za-z0-9]", start, re.S):
        return Format.EDIFACT
    if start[:3] == b"ISA" and len(start) > 3 and not start[3:4].isalnum():
        return Format.X12
    return Format.BINARY if NOT_TEXT.search(head) else _of_text(head, filename)


def _of_text(head: bytes, filename: str) -> Format:
    start = head.lstrip(BLANK)
    if re.match(rb"<[?!A-Za-z_:\x80-\xff]", start):
        return Format.XML
    if start[:1] in (b"{", b"["):
        return Format.JSON
    is_table = filename.lower().endswith(TABLE_NAMES) or delimiter_of(head.decode("latin-1"))
    return Format.CSV if is_table and start else Format.TEXT


def delimiter_of(text: str) -> str:
    """The delimiter of a table: the same number of it in its first lines. Empty: no table."""
    lines = [line for line in text[:HEAD].splitlines()[:20] if line.strip()]
    if len(text) >= HEAD and len(lines) > 1:
        lines.pop()  # it may be cut
    best, most = "", 0
    for delimiter in DELIMITERS:
        widths = [_width(line, delimiter) for line in lines]
        steady = sum(1 for width in widths if width == widths[0])
        if len(lines) > 1 and widths[0] > 1 and steady >= 0.8 * len(widths) and widths[0] > most:
            best, most = delimiter, widths[0]
    return best


def _width(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:
        return 0
