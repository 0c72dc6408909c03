"""A file that a partner is writing. Whatever goes wrong with it, it never becomes a document."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path

from asyncssh import SFTPError, SFTPFailure, SFTPOpUnsupported, SFTPQuotaExceeded
from django.utils import timezone

from integrations.protocols.sftp import publishing
from integrations.protocols.sftp.names import Place
from integrations.protocols.sftp.partners import Partner
from integrations.protocols.sftp.publishing import Complete
from integrations.protocols.sftp.threads import Threads

CHUNK = 512 * 1024  # is written, and goes into the digest, in one call of a thread
PIECES = 2048  # of which a chunk may consist: each costs memory beside its bytes
AHEAD = 2 * 1024 * 1024  # of what overtook its predecessors: clients write in parallel
PIECES_AHEAD = 256
DISORDER = "Files are written from their first byte to the last. Upload the file anew."


class Upload:
    """One handle. Its methods are called one after the other by the session it belongs to."""

    def __init__(
        self, threads: Threads, partner: Partner, ip: str, place: Place, *, resumes: bool
    ) -> None:
        self.place = place
        self.size = 0  # what is here without a gap
        self._threads, self._partner, self._ip = threads, partner, ip
        self._reach = 0 if resumes else AHEAD
        self._room = 0
        self._path: Path | None = None
        self._file = -1
        self._sha256 = hashlib.sha256()
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._ahead: dict[int, bytes] = {}
        self._job: asyncio.Task[None] | None = None
        self._trouble: SFTPError | None = None

    async def begin(self, *, exclusive: bool) -> None:
        begun = await self._threads.run(
            publishing.begin, self._partner, self.place, exclusive=exclusive
        )
        self._path, self._file, self._room = begun

    def write(self, offset: int, data: bytes) -> Awaitable[None] | None:
        """Something to wait for now and then: the disk is slower than the network."""
        if self._trouble:
            raise self._trouble
        if offset != self.size:
            self._keep_for_later(offset, data)
            return None
        self._append(data)
        while self._ahead and (following := self._ahead.pop(self.size, None)) is not None:
            self._append(following)
        is_due = self._pending_size >= CHUNK or len(self._pending) >= PIECES
        return self._flush() if is_due else None

    def _keep_for_later(self, offset: int, data: bytes) -> None:
        kept = sum(map(len, self._ahead.values()))
        if offset < self.size or offset > self.size + self._reach or offset in self._ahead:
            self._refuse(SFTPOpUnsupported(DISORDER))
        if kept + len(data) > self._reach or len(self._ahead) >= PIECES_AHEAD:
            self._refuse(SFTPOpUnsupported(DISORDER))
        self._ahead[offset] = data

    def _append(self, data: bytes) -> None:
        size = self.size + len(data)
        if size > self._partner.max_file:
            megabytes = self._partner.max_file // (1024 * 1024)
            self._refuse(SFTPFailure(f"A file may have {megabytes} MB at most."))
        if size > self._room:
            self._refuse(SFTPQuotaExceeded("The quota is used up. Fetch or remove files first."))
        self.size = size
        self._pending.append(data)
        self._pending_size += len(data)

    def _refuse(self, error: SFTPError) -> None:
        """From now on: the client still closes the file, as if nothing had happened."""
        self._trouble = error
        self._pending, self._pending_size, self._ahead = [], 0, {}
        raise error

    async def _flush(self) -> None:
        """One chunk is written while the next one comes."""
        await self._settled()
        data = b"".join(self._pending)
        self._pending, self._pending_size = [], 0
        self._job = asyncio.create_task(self._threads.run(self._write_out, data))

    def _write_out(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        self._sha256.update(data)

    async def _settled(self) -> None:
        if self._job is None:
            return
        job, self._job = self._job, None
        try:
            await asyncio.shield(job)
        except SFTPError as error:
            self._refuse(error)

    def truncate(self, size: int) -> None:
        """Clients may set the size that the file has; and nothing else."""
        if size != self.size:
            self._refuse(SFTPOpUnsupported(DISORDER))

    async def sync(self) -> None:
        if self._trouble:
            raise self._trouble
        await self._flush()
        await self._settled()

    async def finish(self) -> None:
        """Returns when the document is committed, and raises when it will not be one."""
        try:
            if self._ahead:
                self._refuse(SFTPOpUnsupported(DISORDER))
            await self._settled()
            if self._trouble:
                raise self._trouble
            rest, self._pending = b"".join(self._pending), []
        except SFTPError:
            await self.discard()
            raise
        await self._threads.run(self._publish, rest)

    def _publish(self, rest: bytes) -> None:
        path, self._path = self._path, None
        if path is None:
            raise SFTPFailure("The upload was given up.")
        try:
            self._write_out(rest)
            os.fsync(self._file)
            complete = Complete(path, self.size, self._sha256.hexdigest())
            publishing.publish(self._partner, self._ip, self.place, complete, at=timezone.now())
        finally:
            self._close_file()
            path.unlink(missing_ok=True)

    async def discard(self) -> None:
        """Nothing of it stays. Once the file is published, this does nothing."""
        self._trouble = self._trouble or SFTPFailure("The upload was given up.")
        if self._path is None:
            return
        with suppress(SFTPError):
            await self._settled()
        path, self._path = self._path, None
        if path is not None:
            await self._threads.run(self._throw_away, path)

    def _throw_away(self, path: Path) -> None:
        self._close_file()
        path.unlink(missing_ok=True)

    def _close_file(self) -> None:
        if self._file >= 0:
            descriptor, self._file = self._file, -1
            os.close(descriptor)
