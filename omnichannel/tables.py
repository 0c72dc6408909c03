"""Takes a table of addresses in: good rows are kept, of each bad one it is told what is wrong.

In a page the whole file is read while the operator waits, so its size is bounded there. The command
`import_table` takes in any.
"""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import models
from django.utils.dateparse import parse_date, parse_datetime

from omnichannel import uploads
from omnichannel.addresses import clean_address
from omnichannel.choices import ChannelType, Encoding
from omnichannel.csv_source import CsvSource, Record, delimiter_of
from omnichannel.exceptions import ImportRefused, InvalidMessage
from omnichannel.formulas import unescape

MAX_BYTES = 50 * 1024**2
MAX_ROWS = 100_000
CHUNK = 5_000  # rows that are kept together
MAX_FAULTS = 500  # of so many bad rows it is told what is wrong
MAX_CELL = 5_000
TOO_LARGE = (
    "Nothing was imported: split it and import the parts, or have an administrator run "
    "manage.py import_table, which takes files of any size."
)
_ADDRESS = re.compile(r"\S+@\S+|\+?[\d\s().-]{6,24}")

Cells = dict[str, str]
T = TypeVar("T")


class BadCell(Exception):
    """The row cannot be kept. `field` is the name of the column."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


@dataclass(frozen=True)
class Fault:
    row: int  # its number in the file, from 1
    field: str
    reason: str


@dataclass
class Report:
    """`kept` rows changed something; good ones that were known already did not."""

    rows: int = 0
    kept: int = 0
    bad: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def known(self) -> int:
        return self.rows - self.kept - self.bad

    def add_fault(self, row: int, field: str, reason: str) -> None:
        self.bad += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(row, field, reason))


def take_in(
    upload: File,
    *,
    columns: Sequence[str],
    make: Callable[[Cells], T],
    keep: Callable[[list[T]], int],
    is_bounded: bool = True,
) -> Report:
    """Read the file; `make` a thing of each row (raises BadCell) and `keep` them by the thousand.

    Raises ImportRefused, with nothing kept, for what is no such table or, when `is_bounded`, is a
    large one.
    """
    if is_bounded and (upload.size or 0) > MAX_BYTES:
        raise ImportRefused(f"The file is larger than {MAX_BYTES // 1024**2} MB. {TOO_LARGE}")
    stored = uploads.receive(upload)
    try:
        path = default_storage.path(stored.name)
        encoding = stored.encoding or Encoding.CP1252
        delimiter = delimiter_of(path, encoding)
        if is_bounded:
            _refuse_long(CsvSource(path, encoding, delimiter))
        with CsvSource(path, encoding, delimiter) as source:
            return _read(source.records(), columns, make, keep)
    finally:
        default_storage.delete(stored.name)


def _refuse_long(source: CsvSource) -> None:
    """Looks through the file before anything of it is kept."""
    with source:
        first_too_many = next(itertools.islice(source.records(), MAX_ROWS + 1, None), None)
    if first_too_many:
        raise ImportRefused(f"The file has more than {MAX_ROWS:,} rows. {TOO_LARGE}")


def _read(
    records: Iterator[Record],
    columns: Sequence[str],
    make: Callable[[Cells], T],
    keep: Callable[[list[T]], int],
) -> Report:
    report, good = Report(), list[T]()
    names, first = _header(next(records, None), columns)
    for record in itertools.chain(first, records):
        _take(report, good, names, record, make)
        if len(good) >= CHUNK:
            report.kept += keep(good)
            good = []
    report.kept += keep(good)
    return report


def _header(record: Record | None, columns: Sequence[str]) -> tuple[list[str], list[Record]]:
    """The column of each field, and the first row if it is no header."""
    if record is None:
        raise ImportRefused("The file has no rows.")
    _, cells, fault = record
    if fault:
        raise ImportRefused(f"The first row cannot be read. {fault}")
    names = ["_".join(unescape(cell).lower().split()) for cell in cells]
    if "address" in names:
        return names, []
    if len(cells) == 1 and _ADDRESS.fullmatch(unescape(cells[0])):
        return ["address"], [record]
    raise ImportRefused(
        "The first row must name the columns, one of them “address”. "
        f"Known columns: {', '.join(columns)}."
    )


def _take(
    report: Report, good: list[T], names: list[str], record: Record, make: Callable[[Cells], T]
) -> None:
    number, cells, fault = record
    if not fault and not any(cell.strip() for cell in cells):
        return
    report.rows += 1
    if fault:
        report.add_fault(number, "row", fault)
        return
    try:
        good.append(make(_cells(names, cells)))
    except BadCell as error:
        report.add_fault(number, error.field, error.reason)


def _cells(names: list[str], cells: list[str]) -> Cells:
    if any(cell.strip() for cell in cells[len(names) :]):
        raise BadCell("row", f"It has {len(cells)} fields; the first row has {len(names)}.")
    found = {name: unescape(cell) for name, cell in zip(names, cells, strict=False)}
    for name, text in found.items():
        if len(text) > MAX_CELL:
            raise BadCell(name, f"It is longer than {MAX_CELL:,} characters.")
    return found


def word_of(cells: Cells, name: str, known: dict[str, str], default: str) -> str:
    """The value of a cell that holds one of a few words. `known`: {word in lower case: value}."""
    text = cells.get(name, "")
    if not text:
        return default
    if text.lower() not in known:
        raise BadCell(name, f"“{text[:40]}” is none of: {', '.join(sorted(set(known)))}.")
    return known[text.lower()]


def address_of(cells: Cells, channel_type: str) -> str:
    try:
        text = cells.get("address", "")
        return clean_address(channel_type, text, settings.DEFAULT_PHONE_REGION).lower()
    except InvalidMessage as error:
        raise BadCell("address", str(error)) from error


def channel_of(cells: Cells, default: str) -> str:
    """As the row says; else by the form of the address; else the default."""
    address = cells.get("address", "")
    by_form = ChannelType.EMAIL if "@" in address else default
    return word_of(cells, "channel", words(ChannelType), by_form or ChannelType.SMS)


def words(choices: type[models.TextChoices]) -> dict[str, str]:
    """{value or label, in lower case: value}"""
    labels = {str(label).lower(): value for value, label in choices.choices}
    return {**labels, **{value: value for value in choices.values}}


def moment_of(cells: Cells, name: str) -> datetime.datetime | None:
    """A date (its first moment) or a date and time; UTC where the cell does not say."""
    text = cells.get(name, "")
    if not text:
        return None
    try:
        moment = parse_datetime(text)
        day = None if moment else parse_date(text)
    except ValueError:  # of the right form, but no such day
        moment = day = None
    if moment is None and day is not None:
        moment = datetime.datetime.combine(day, datetime.time.min)
    if moment is None or not 1970 <= moment.year <= 9000:
        raise BadCell(name, f"“{text[:40]}” is no moment: write 2026-03-31 or 2026-03-31 14:30.")
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
