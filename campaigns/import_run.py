"""One worker's hold on an import: from its checkpoint to the end of the file, or of its time."""

from __future__ import annotations

import contextlib
import datetime
import itertools
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import TracebackType

from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from campaigns.ahead import ahead
from campaigns.choices import ImportMode, ImportStatus
from campaigns.import_chunk import Chunk, read_chunk, write_chunk
from campaigns.import_mapping import Mapping
from campaigns.import_rejects import RejectsFile, as_csv
from campaigns.import_rows import row_cleaner
from campaigns.members import count_down, page_of_ids
from campaigns.models import Audience, AudienceImport, AudienceMember
from campaigns.pacing import Breather
from omnichannel.csv_source import CsvSource, Position, Record
from omnichannel.exceptions import ImportRefused

# On SQLite others wait meanwhile; PostgreSQL has more to do for each transaction.
CHUNK_ROWS = {"sqlite": 4_000, "postgresql": 5_000}
CHUNK_BYTES = 8 * 1024 * 1024
LEASE = datetime.timedelta(seconds=15)


class Interrupted(Exception):
    """The import is no longer ours: cancelled, or taken over after our lease ran out."""


class ImportRun:
    """Reads, writes and commits chunk after chunk. Use it as a context manager."""

    def __init__(self, row: AudienceImport) -> None:
        self.row = row
        self.mapping = Mapping.from_json(row.mapping)
        self.mapping.check()
        mark = row.checkpoint
        self.rejects_size = int(mark.get("rejects", 0))
        self.seconds = float(mark.get("seconds", 0))
        self.clock = time.monotonic()
        self.breather = Breather()
        self.chunk_rows = CHUNK_ROWS[connection.vendor]
        start = Position(mark.get("offset", 0), mark.get("record", 0))
        self.source = CsvSource(
            row.file.path, row.encoding, row.delimiter, start=start, width=len(row.headers)
        )
        self.records = self.source.records()
        if row.has_header and not start.record:
            next(self.records, None)
        self.position = self.source.position
        self.rejects = RejectsFile(rejects_path(row), self.rejects_size)

    def __enter__(self) -> ImportRun:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.source.close()

    def work(self, until: float, stopped: Callable[[], bool]) -> None:
        """Until the file ends or the time does. Raises Interrupted and ImportRefused."""
        self._take_columns()
        if not self.row.checkpoint.get("all_read"):
            if not self._read_all(until, stopped):
                self._hand_over()
                return
            self._all_read()
        if self.row.mode == ImportMode.REPLACE and not self._remove_others(until, stopped):
            self._hand_over()
            return
        self._finish()

    def _read_all(self, until: float, stopped: Callable[[], bool]) -> bool:
        """Import chunk by chunk. False when the time ended before the file."""
        with contextlib.closing(self._next_chunks()) as chunks:
            for chunk in chunks:
                self._commit(chunk)
                if time.monotonic() >= until or stopped():
                    return False
        return True

    def _next_chunks(self) -> Generator[Chunk, None, None]:
        """PostgreSQL works while the next chunk is read. On SQLite reading is the pause that
        lets others write."""
        return ahead(self._chunks()) if connection.vendor == "postgresql" else self._chunks()

    def _take_columns(self) -> None:
        audience, names = self.row.audience, list(self.mapping.variables)
        new = [name for name in names if name not in audience.columns]
        if new:
            audience.columns = [*audience.columns, *new]
            audience.save(update_fields=["columns", "updated_at"])

    def _chunks(self) -> Generator[Chunk, None, None]:
        clean = row_cleaner(self.mapping, self.row.default_region, len(self.row.headers))
        first_wins = self.row.mode == ImportMode.ADD
        while True:
            chunk = read_chunk(self._batch(), clean, first_wins=first_wins)
            if not chunk.rows_done:
                return
            chunk.end = self.source.position
            yield chunk

    def _batch(self) -> Iterator[Record]:
        end = self.source.offset + CHUNK_BYTES
        for record in itertools.islice(self.records, self.chunk_rows):
            yield record
            if self.source.offset >= end:
                return

    def _commit(self, chunk: Chunk) -> None:
        row = self.row
        with self.breather, transaction.atomic():
            write_chunk(chunk, row.audience_id, row.pk, row.mode, self.mapping)
            data = self._rejects_data(chunk)
            self.position = chunk.end
            self._checkpoint(chunk.counts(), bytes_done=chunk.end.offset)
            if chunk.added:
                Audience.objects.filter(pk=row.audience_id).update(
                    records_count=F("records_count") + chunk.added
                )
            # Only now: the row is locked, so no other worker writes to the file.
            self.rejects.append(data)

    def _rejects_data(self, chunk: Chunk) -> bytes:
        if not chunk.rejects:
            return b""
        head = [] if self.rejects_size else [["row", "field", "reason", *self.row.headers]]
        data = as_csv(head + chunk.rejects)
        self.rejects_size += len(data)
        return data

    def _checkpoint(self, counts: dict[str, int], **values: object) -> None:
        """Save where we are and prolong the lease. Raises Interrupted, changing nothing."""
        now = time.monotonic()
        self.seconds, self.clock = self.seconds + now - self.clock, now
        self.row.checkpoint = {
            **self.row.checkpoint,
            "offset": self.position.offset,
            "record": self.position.record,
            "rejects": self.rejects_size,
            "seconds": round(self.seconds, 2),
        }
        for name, count in counts.items():
            values[name] = getattr(self.row, name) + count
        self._update(checkpoint=self.row.checkpoint, lease_until=timezone.now() + LEASE, **values)

    def _update(self, **values: object) -> None:
        ours = AudienceImport.objects.filter(
            pk=self.row.pk, status=ImportStatus.RUNNING, claimed_by=self.row.claimed_by
        )
        if not ours.update(**values):
            raise Interrupted
        for name, value in values.items():
            setattr(self.row, name, value)

    def _hand_over(self) -> None:
        self._update(lease_until=timezone.now())

    def _all_read(self) -> None:
        row = self.row
        if not row.rows_done:
            raise ImportRefused("The file has no rows below its header.")
        if row.mode == ImportMode.REPLACE and not row.added + row.updated + row.unchanged:
            raise ImportRefused("No row of the file can be used, so the old records were kept.")
        row.checkpoint["all_read"] = True
        self._checkpoint({}, bytes_done=row.bytes_total)

    def _remove_others(self, until: float, stopped: Callable[[], bool]) -> bool:
        """Delete the records that were not in the file. False when the time ended before."""
        members = AudienceMember.objects.filter(audience_id=self.row.audience_id)
        while ids := page_of_ids(members, self.row.checkpoint.get("removed_to", 0)):
            with self.breather, transaction.atomic():
                old = members.filter(id__in=ids).exclude(import_id=self.row.pk)
                removed, _ = old.delete()
                self.row.checkpoint["removed_to"] = ids[-1]
                self._checkpoint({"removed": removed})
                count_down(self.row.audience_id, removed)
            if time.monotonic() >= until or stopped():
                return False
        return True

    def _finish(self) -> None:
        row = self.row
        if row.mode == ImportMode.REPLACE:
            row.audience.columns = list(self.mapping.variables)
            row.audience.save(update_fields=["columns", "updated_at"])
        if not end_import(row, ImportStatus.FINISHED, at=timezone.now(), by=row.claimed_by):
            raise Interrupted


def rejects_path(row: AudienceImport) -> Path:
    return Path(default_storage.path(f"imports/rejects-{row.pk}.csv"))


def end_import(
    row: AudienceImport, status: str, *, at: datetime.datetime, error: str = "", by: str = ""
) -> bool:
    """End an import that is active (and held by the worker `by`, if given), drop its file."""
    active = AudienceImport.objects.filter(pk=row.pk, status__in=ImportStatus.active())
    if by:
        active = active.filter(claimed_by=by)
    if not active.update(status=status, error=error, finished_at=at, lease_until=None, file=""):
        return False
    drop_file(row)
    return True


def drop_file(row: AudienceImport) -> None:
    """The upload holds personal data: it goes as soon as nothing needs it."""
    if row.file.name:
        row.file.storage.delete(row.file.name)
