"""What a chunk of rows does to an audience: add, change, leave, or note as a duplicate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from campaigns.choices import ImportMode
from campaigns.import_mapping import Mapping
from campaigns.import_rows import NewMember, Reject
from campaigns.import_store import Known, store
from omnichannel.csv_source import START, Position, Record

COUNTERS = ("rows_done", "added", "updated", "unchanged", "duplicates", "rejected")


class Row(NamedTuple):
    number: int
    fields: list[str]
    member: NewMember


@dataclass
class Chunk:
    """Cleaned rows, one for each key, and the counts of what became of all that were read."""

    rows: dict[str, Row] = field(default_factory=dict)
    rejects: list[list[str]] = field(default_factory=list)
    rows_done: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    rejected: int = 0
    end: Position = START  # where the next chunk begins

    def counts(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in COUNTERS}

    def reject(self, number: int, field_name: str, reason: str, fields: list[str]) -> None:
        self.rejected += 1
        self.rejects.append([str(number), field_name, reason, *fields])

    def repeat(self, row: Row, reason: str) -> None:
        self.duplicates += 1
        self.rejects.append([str(row.number), "duplicate", reason, *row.fields])


def read_chunk(
    records: Iterable[Record], clean: Callable[[list[str]], NewMember], *, first_wins: bool
) -> Chunk:
    """Clean the records and keep one for each key. No database is touched."""
    chunk = Chunk()
    for number, fields, fault in records:
        chunk.rows_done += 1
        if fault:
            chunk.reject(number, "row", fault, fields)
            continue
        try:
            row = Row(number, fields, clean(fields))
        except Reject as error:
            chunk.reject(number, error.field, error.reason, fields)
            continue
        _keep_one(chunk, row, first_wins=first_wins)
    return chunk


def _keep_one(chunk: Chunk, row: Row, *, first_wins: bool) -> None:
    earlier = chunk.rows.get(row.member.key)
    if earlier is None:
        chunk.rows[row.member.key] = row
    elif first_wins:
        chunk.repeat(row, f"Row {earlier.number} has the same key and was used.")
    else:
        chunk.repeat(earlier, f"Row {row.number} has the same key and was used.")
        chunk.rows[row.member.key] = row


def write_chunk(chunk: Chunk, audience_id: int, import_id: int, mode: str, by: Mapping) -> None:
    """Bring the audience up to the chunk, inside the caller's transaction; count exactly."""
    known = store().known(audience_id, list(chunk.rows))
    puts: list[NewMember] = []
    stamps: list[int] = []
    for key, row in chunk.rows.items():
        old = known.get(key)
        if old is None:
            chunk.added += 1
            puts.append(row.member)
        elif mode == ImportMode.ADD:
            _leave(chunk, row, is_repeat=old.import_id == import_id)
        else:
            _change(chunk, row, old, import_id, mode, by, puts, stamps)
    if puts:
        store().put(audience_id, import_id, puts)
    if stamps:
        store().stamp(import_id, stamps)


def _leave(chunk: Chunk, row: Row, *, is_repeat: bool) -> None:
    if is_repeat:
        chunk.repeat(row, "An earlier row of this file has the same key and was used.")
    else:
        chunk.unchanged += 1


def _change(
    chunk: Chunk,
    row: Row,
    old: Known,
    import_id: int,
    mode: str,
    by: Mapping,
    puts: list[NewMember],
    stamps: list[int],
) -> None:
    member = row.member if mode == ImportMode.REPLACE else _merged(old, row.member, by)
    is_same = (member.email, member.phone, member.variables) == (
        old.email,
        old.phone,
        old.variables,
    )
    if old.import_id == import_id:
        chunk.repeat(row, "An earlier row of this file has the same key: this row was used.")
    elif is_same:
        chunk.unchanged += 1
        stamps.append(old.id)
    else:
        chunk.updated += 1
    if not is_same:
        puts.append(member)


def _merged(old: Known, new: NewMember, by: Mapping) -> NewMember:
    """What the file says, over what was known: columns that it lacks stay."""
    values: dict[str, Any] = {"variables": old.variables | new.variables}
    if by.email is None:
        values["email"] = old.email
    if by.phone is None:
        values["phone"] = old.phone
    return new._replace(**values)
