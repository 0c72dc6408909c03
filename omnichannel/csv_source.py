"""Reads the records of a CSV file one by one, however broken, from any checkpoint.

A record that cannot be read is given back with the reason; the next one is read as if nothing
had happened. Memory is bounded by the longest record allowed.
"""

from __future__ import annotations

import csv
import io
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from omnichannel.choices import Delimiter

MAX_FIELD_CHARS = 1024 * 1024
MAX_LINE_BYTES = 4 * 1024 * 1024
MAX_RECORD_LINES = 500
MAX_RECORD_BYTES = 8 * 1024 * 1024
BLOCK_BYTES = 128 * 1024
ROWS = 20  # looked at to find out how a file is written
BOM = b"\xef\xbb\xbf"

# For the whole process: the module's own limit is 128 kB, and a longer cell is a fault there.
csv.field_size_limit(MAX_FIELD_CHARS)

Record = tuple[int, list[str], str]


@dataclass(frozen=True)
class Position:
    """Where the next record begins: bytes from the start, and records before it."""

    offset: int = 0
    record: int = 0


START = Position()


class UnclosedQuote(Exception):
    """The record took in lines that are not its own."""


class CsvSource:
    """The records of a file, in an encoding where every line ends in byte 10.

    `width` (0: not known) is the number of fields of a good record: one that spans lines and
    has another number is taken for an unclosed quote, and only its first line is given up.
    """

    def __init__(
        self,
        path: str | Path,
        encoding: str,
        delimiter: str,
        *,
        start: Position | None = None,
        width: int = 0,
    ) -> None:
        start = start or START
        self._file = io.BufferedReader(io.FileIO(path), 1024 * 1024)
        self._size = os.fstat(self._file.fileno()).st_size
        self._encoding, self._delimiter, self._width = encoding, delimiter, width
        self.offset, self.record = start.offset, start.record
        if not self.offset and self._file.read(3) == BOM:
            self.offset = 3
        self._file.seek(self.offset)
        self._second_line = 0
        self._text: list[str] = []
        self._fault = ""

    def __enter__(self) -> CsvSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    @property
    def position(self) -> Position:
        return Position(self.offset, self.record)

    def records(self) -> Iterator[Record]:
        """Number in the file (from 1), fields, and what is wrong with it (empty: nothing).

        Empty lines are counted, as a spreadsheet does, and left out.
        """
        while self.offset < self._size:
            block = self._block()
            rows = self._plain_rows(block)
            if rows is not None:
                yield from self._number(block, rows)
            else:
                yield from self._carefully(self.offset + len(block))

    def _block(self) -> bytes:
        """Whole lines from here on, up to BLOCK_BYTES; empty when a line is longer than that."""
        self._file.seek(self.offset)
        block = self._file.read(min(BLOCK_BYTES, MAX_LINE_BYTES))
        if self.offset + len(block) < self._size:
            block = block[: block.rfind(b"\n") + 1]
        return block

    def _plain_rows(self, block: bytes) -> list[list[str]] | None:
        """The rows of a block in which each line is a good record; None if one might not be."""
        if not block or b"\0" in block:
            return None
        try:
            lines = block.decode(self._encoding).split("\n")
            if not lines[-1]:
                lines.pop()
            rows = list(csv.reader(lines, delimiter=self._delimiter))
            if '"' in lines[-1]:
                next(csv.reader(lines[-1:], delimiter=self._delimiter, strict=True))
        except (UnicodeDecodeError, csv.Error):
            return None
        return rows if len(rows) == len(lines) else None

    def _number(self, block: bytes, rows: list[list[str]]) -> Iterator[Record]:
        end = self.offset + len(block)
        for line, fields in zip(block.split(b"\n"), rows, strict=False):
            self.offset = min(self.offset + len(line) + 1, end)
            self.record += 1
            if fields:
                yield self.record, fields, ""

    def _carefully(self, end: int) -> Iterator[Record]:
        """The records that begin before `end`, line by line, with what is wrong with them."""
        self._file.seek(self.offset)
        while self.offset < self._size:
            try:
                yield from self._read(csv.reader(self._lines(), delimiter=self._delimiter), end)
            except UnclosedQuote:
                yield self._first_line_only()
            if self.offset >= end:
                return

    def _read(self, reader: Iterator[list[str]], end: int) -> Iterator[Record]:
        while True:
            self._text = []
            self._fault = ""
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                fields, self._fault = [], self._fault or _explain(error)
            if len(self._text) > 1 or self.offset >= self._size:
                self._check_quotes(fields)
            self.record += 1
            if fields or self._fault:
                yield self.record, fields, self._fault
            if self.offset >= end:
                return

    def _lines(self) -> Iterator[str]:
        """The lines, decoded. Notes where the record's second line starts, to come back to."""
        begin = self.offset
        while line := self._file.readline(MAX_LINE_BYTES):
            if not self._text:
                begin = self.offset
            self.offset += len(line)
            if len(line) == MAX_LINE_BYTES:
                line = self._drop_line(line)
            if not self._text:
                self._second_line = self.offset
            elif len(self._text) >= MAX_RECORD_LINES or self.offset - begin > MAX_RECORD_BYTES:
                raise UnclosedQuote
            text = self._decode(line)
            self._text.append(text)
            yield text

    def _decode(self, line: bytes) -> str:
        if b"\0" in line:
            self._fault = "The row has NUL bytes: this is not text."
        try:
            return line.decode(self._encoding)
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            self._fault = f"The byte {byte:#04x} is not {self._encoding.upper()} text."
            return line.decode(self._encoding, "replace")

    def _drop_line(self, line: bytes) -> bytes:
        """Pass over the rest of a line that is too long to keep."""
        while line and not line.endswith(b"\n"):
            line = self._file.readline(MAX_LINE_BYTES)
            self.offset += len(line)
        self._fault = f"The line is longer than {MAX_LINE_BYTES:,} bytes."
        return b"\n"

    def _check_quotes(self, fields: list[str]) -> None:
        spans_lines = len(self._text) > 1
        if spans_lines and (self._fault or (self._width and len(fields) != self._width)):
            raise UnclosedQuote
        try:
            next(csv.reader(["".join(self._text)], delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            if spans_lines or "unexpected end of data" in str(error):
                raise UnclosedQuote from error

    def _first_line_only(self) -> Record:
        """Give up one line and go on with the next, whatever the quote took in."""
        taken_in = len(self._text)
        self.offset = self._second_line
        self._file.seek(self.offset)
        self.record += 1
        fields = next(csv.reader(self._text[:1], delimiter=self._delimiter))
        lines = f" It took in {taken_in} lines." if taken_in > 1 else ""
        return self.record, fields, f"A quote is opened and never closed.{lines}"


def _explain(error: csv.Error) -> str:
    if "field larger" in str(error):
        return f"A field is longer than {MAX_FIELD_CHARS:,} characters."
    if "new-line character" in str(error):
        return "There is a line end inside the row (a carriage return alone)."
    return f"The row cannot be read: {error}."


def head(path: str | Path, encoding: str, delimiter: str) -> list[Record]:
    """The first record and the twenty after it."""
    with CsvSource(path, encoding, delimiter) as source:
        return list(itertools.islice(source.records(), ROWS + 1))


def delimiter_of(path: str | Path, encoding: str) -> str:
    """The delimiter that cuts the first rows into the most, and equally many, fields."""
    found = {delimiter: head(path, encoding, delimiter) for delimiter in Delimiter.values}
    return max(found, key=lambda each: _evenness(found[each]))


def _evenness(records: list[Record]) -> float:
    if not records or len(records[0][1]) < 2:
        return 0
    width = len(records[0][1])
    even = sum(len(fields) == width for _, fields, _ in records)
    return even / len(records) * min(width, 20)
