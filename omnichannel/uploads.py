"""Takes in an uploaded file: refuses what is no table, and keeps the rest as plain CSV.

What is stored has lines that end in byte 10 and an encoding in which that byte is nothing else,
so that the importer can start at any line.
"""

from __future__ import annotations

import codecs
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

from omnichannel.choices import Encoding
from omnichannel.exceptions import ImportRefused
from omnichannel.room import told
from omnichannel.spreadsheets import to_csv

HEAD = 64 * 1024
ZIP = b"PK\x03\x04"
MARKS = {
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an old Excel file (.xls)",
    b"\x1f\x8b": "a compressed file (gzip)",
    b"PK\x05\x06": "an empty ZIP file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"{\\rtf": "a text document (RTF)",
    b"<!DOCTYPE": "a web page",
    b"<html": "a web page",
    b"SQLite format 3": "a database",
}


@dataclass(frozen=True)
class Stored:
    """Where the file is, under the storage's root. `encoding` is empty when it is not known."""

    name: str
    size: int
    encoding: str
    is_xlsx: bool


def receive(upload: File) -> Stored:
    """Store the upload. Raises ImportRefused with what to do instead."""
    if not upload.size:
        raise ImportRefused("The file is empty: it has 0 bytes.")
    if upload.size > settings.AUDIENCE_FILE_MAX_BYTES:
        limit = settings.AUDIENCE_FILE_MAX_BYTES // 1024**2
        raise ImportRefused(f"The file is larger than {limit:,} MB. Split it and import the parts.")
    upload.seek(0)
    head = upload.read(HEAD)
    upload.seek(0)
    name = f"imports/{uuid.uuid4().hex}.csv"
    path = Path(default_storage.path(name))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_xlsx = head.startswith(ZIP)
        encoding = _from_xlsx(upload, path) if is_xlsx else _from_text(upload, head, path)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise ImportRefused(str(told(error))) from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Stored(name, path.stat().st_size, encoding, is_xlsx)


def _from_xlsx(upload: File, path: Path) -> str:
    source = path.with_suffix(".xlsx")
    try:
        with source.open("wb") as file:
            file.writelines(upload.chunks())
        to_csv(source, path)
    finally:
        source.unlink(missing_ok=True)
    return Encoding.UTF_8


def _from_text(upload: File, head: bytes, path: Path) -> str:
    for mark, what in MARKS.items():
        if head.startswith(mark):
            raise ImportRefused(
                f"This is {what}, not a table. Save it as CSV or as an Excel workbook (.xlsx)."
            )
    utf_16 = _utf_16_of(head)
    if not utf_16 and sum(head.count(byte) for byte in (b"\0", b"\1", b"\2")) > len(head) // 50:
        raise ImportRefused(
            "This is not a text file. Save the table as CSV or as an Excel workbook (.xlsx)."
        )
    parts = _decoded(upload, utf_16) if utf_16 else upload.chunks()
    if b"\r" in head.replace(b"\0", b"") and b"\n" not in head:
        parts = (part.replace(b"\r", b"\n") for part in parts)
    return Encoding.UTF_8 if _store(parts, path) else ""


def _utf_16_of(head: bytes) -> str:
    """The codec of UTF-16 text, by its mark or by its zero bytes; empty for other text."""
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    pairs = len(head) // 2
    if pairs and head[1::2].count(0) > pairs * 0.4:
        return "utf-16-le"
    if pairs and head[::2].count(0) > pairs * 0.4:
        return "utf-16-be"
    return ""


def _decoded(upload: File, codec: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        for part in upload.chunks():
            yield decoder.decode(part).removeprefix("\ufeff").encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        raise ImportRefused(
            "The file begins as UTF-16 text and then is not. Save it again as CSV UTF-8."
        ) from error


def _store(parts: Iterator[bytes], path: Path) -> bool:
    """Write the parts. True when all of it is UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf_8 = True
    with path.open("wb") as file:
        for part in parts:
            file.write(part)
            is_utf_8 = is_utf_8 and _decodes(decoder, part)
    return is_utf_8 and _decodes(decoder, b"", final=True)


def _decodes(decoder: codecs.IncrementalDecoder, part: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(part, final)
    except UnicodeDecodeError:
        return False
    return True
