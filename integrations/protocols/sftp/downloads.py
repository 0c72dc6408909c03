"""A file that a partner is reading."""

from __future__ import annotations

from typing import BinaryIO

from django.utils import timezone

from integrations import blobs, folders
from integrations.folders import Visitor
from integrations.models import FolderFile
from integrations.protocols.sftp.names import Place
from integrations.protocols.sftp.threads import Threads

LONGEST = 256 * 1024  # of one answer
AHEAD = 1024 * 1024


class Download:
    """One handle. What is read from the disk at once serves many small requests."""

    def __init__(self, threads: Threads, visitor: Visitor, place: Place) -> None:
        self.place = place
        self._threads, self._visitor = threads, visitor
        self._row: FolderFile | None = None
        self._file: BinaryIO | None = None
        self._at, self._buffer = 0, b""
        self._is_whole = False

    async def begin(self) -> None:
        await self._threads.run(self._open)

    def _open(self) -> None:
        row = folders.find(self._visitor.integration, self.place.folder, self.place.name)
        self._file = blobs.open_file(row.blob)
        self._row = row

    @property
    def row(self) -> FolderFile:
        if self._row is None:
            raise ValueError("The file was not opened.")
        return self._row

    async def read(self, offset: int, size: int) -> bytes:
        """Empty at the end of the file."""
        if offset >= self.row.blob.size:
            return b""
        size = min(size, LONGEST)
        end = min(offset + size, self.row.blob.size)
        if not self._at <= offset <= end <= self._at + len(self._buffer):
            self._buffer = await self._threads.run(self._read, offset)
            self._at = offset
        self._is_whole = self._is_whole or end == self.row.blob.size
        return self._buffer[offset - self._at : end - self._at]

    def _read(self, offset: int) -> bytes:
        if self._file is None:
            return b""
        self._file.seek(offset)
        return self._file.read(AHEAD)

    async def finish(self) -> None:
        await self._threads.run(self._close, told=self._is_whole or not self.row.blob.size)

    async def discard(self) -> None:
        await self._threads.run(self._close, told=False)

    def _close(self, *, told: bool) -> None:
        if self._file is None:
            return
        self._file.close()
        self._file = None
        if told:
            folders.fetched(self._visitor, self.row, at=timezone.now())
