"""The requests of one SFTP channel, on a tree that exists in the database only."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, cast
from weakref import WeakSet

from asyncssh import (
    FXF_APPEND,
    FXF_CREAT,
    FXF_EXCL,
    FXF_READ,
    FXF_TRUNC,
    FXF_WRITE,
    SFTPAttrs,
    SFTPFailure,
    SFTPFileIsADirectory,
    SFTPInvalidFilename,
    SFTPName,
    SFTPNoSuchFile,
    SFTPOpUnsupported,
    SFTPPermissionDenied,
    SSHServerChannel,
)
from django.utils import timezone

from integrations import folders
from integrations.choices import Folder
from integrations.protocols.sftp import listings, names
from integrations.protocols.sftp.downloads import Download
from integrations.protocols.sftp.listings import Listing
from integrations.protocols.sftp.names import Place
from integrations.protocols.sftp.refusals import FIXED, NoFileSystem
from integrations.protocols.sftp.uploads import Upload

if TYPE_CHECKING:
    from integrations.protocols.sftp.sessions import Session

MOST_HANDLES = 32
Handle = Upload | Download


class Tree(NoFileSystem):
    def __init__(self, channel: SSHServerChannel[bytes], session: Session) -> None:
        super().__init__(channel)
        self._session = session
        self._threads = session.threads
        self._partner = session.partner
        self._visitor = session.visitor
        self._listings: WeakSet[Listing] = WeakSet()

    # --- Files -------------------------------------------------------------------------------

    async def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> object:
        place = self._file(path)
        if len(self._session.handles) + self._session.opening >= MOST_HANDLES:
            raise SFTPFailure("Too many files are open. Close some first.")
        if pflags & FXF_APPEND:
            raise SFTPOpUnsupported("Nothing is appended to a file. Upload it anew.")
        self._session.opening += 1
        try:
            handle = await (self._begin_upload if pflags & FXF_WRITE else self._begin_download)(
                place, pflags
            )
        finally:
            self._session.opening -= 1
        self._session.handles[handle] = self
        return handle

    async def _begin_upload(self, place: Place, pflags: int) -> Handle:
        if place.folder not in Folder.taken_in():
            raise SFTPPermissionDenied("Files are put into outbox and coutbox only.")
        if not names.is_usable(place.name):
            raise SFTPInvalidFilename("The file cannot be called so. Use a plain, shorter name.")
        if (pflags & FXF_READ and not pflags & FXF_TRUNC) or not pflags & FXF_CREAT:
            raise SFTPOpUnsupported("A file is not changed in place. Upload it anew.")
        upload = Upload(
            self._threads,
            self._partner,
            self._session.ip,
            place,
            resumes=not pflags & FXF_TRUNC,
        )
        await upload.begin(exclusive=bool(pflags & FXF_EXCL))
        return upload

    async def _begin_download(self, place: Place, pflags: int) -> Handle:
        if place.folder in Folder.taken_in():
            raise SFTPPermissionDenied("What is put into outbox and coutbox is not read back.")
        download = Download(self._threads, self._visitor, place)
        await download.begin()
        return download

    def read(self, file_obj: object, offset: int, size: int) -> Awaitable[bytes]:
        self._session.touch()
        if not isinstance(file_obj, Download):
            raise SFTPPermissionDenied("The file is open for writing.")
        return file_obj.read(offset, size)

    def write(self, file_obj: object, offset: int, data: bytes) -> int | Awaitable[int]:
        self._session.touch()
        if not isinstance(file_obj, Upload):
            raise SFTPPermissionDenied("The file is open for reading.")
        waiting = file_obj.write(offset, data)
        return len(data) if waiting is None else cast(Awaitable[int], waiting)

    def close(self, file_obj: object) -> Awaitable[None]:
        """The library also calls it for what is open when a connection dies, and it does so while
        it handles that error: a file that its client did not close is not complete.
        """
        return self._close(cast(Handle, file_obj), is_complete=sys.exception() is None)

    async def _close(self, handle: Handle, *, is_complete: bool) -> None:
        self._session.touch()
        try:
            if not is_complete:
                await handle.discard()
                return
            with self._session.closing():
                await handle.finish()
        finally:
            self._session.handles.pop(handle, None)
        if isinstance(handle, Upload):
            self._session.remember(handle.place, handle.size)

    async def fsync(self, file_obj: object) -> None:
        if isinstance(file_obj, Upload):
            await file_obj.sync()

    # --- What there is -----------------------------------------------------------------------

    async def stat(self, path: bytes) -> SFTPAttrs:
        self._session.touch()
        place = names.place(path)
        if place.is_folder:
            return listings.of_folder(self._session.since)
        try:
            row = await self._threads.run(
                folders.find, self._visitor.integration, place.folder, place.name
            )
        except SFTPNoSuchFile:
            return self._session.recalled(place)
        return listings.of_row(row)

    async def lstat(self, path: bytes) -> SFTPAttrs:
        return await self.stat(path)

    def fstat(self, file_obj: object) -> SFTPAttrs:
        if isinstance(file_obj, Download):
            return listings.of_row(file_obj.row)
        return listings.of_file(cast(Upload, file_obj).size, time.time())

    def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        self._session.touch()
        place = names.place(path)
        if not place.is_folder:
            raise SFTPNoSuchFile("There is no such folder.")
        if len(self._listings) >= MOST_HANDLES:
            raise SFTPFailure("Too many folders are open. Close some first.")
        listing = Listing(self._threads, self._visitor.integration, place, self._session.since)
        self._listings.add(listing)
        return cast(AsyncIterator[SFTPName], listing)

    def realpath(self, path: bytes) -> bytes:
        return names.normal(path)

    # --- Attributes: taken, and left alone ---------------------------------------------------

    async def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Clients set times and permissions after an upload, and take a refusal for a failure."""
        found = await self.stat(path)
        if attrs.size is not None and attrs.size != found.size:
            raise SFTPOpUnsupported("A file is not cut or extended. Upload it anew.")

    async def lsetstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        await self.setstat(path, attrs)

    def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:
        if attrs.size is None:
            return
        if not isinstance(file_obj, Upload):
            raise SFTPPermissionDenied("The file is open for reading.")
        file_obj.truncate(attrs.size)

    # --- Names -------------------------------------------------------------------------------

    async def remove(self, path: bytes) -> None:
        place = self._file(path)
        now = timezone.now()
        await self._threads.run(folders.remove, self._visitor, place.folder, place.name, at=now)
        self._session.forget(place)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self._rename(self._file(oldpath), self._file(newpath), overwrite=False)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self._rename(self._file(oldpath), self._file(newpath), overwrite=True)

    async def _rename(self, old: Place, new: Place, *, overwrite: bool) -> None:
        if not names.is_usable(new.name):
            raise SFTPInvalidFilename("The file cannot be called so. Use a plain, shorter name.")
        step, names_of_it = _step(old, new)
        await self._threads.run(
            step, self._visitor, *names_of_it, overwrite=overwrite, at=timezone.now()
        )
        self._session.moved(old, new)

    def _file(self, path: bytes) -> Place:
        self._session.touch()
        place = names.place(path)
        if not place.folder:
            raise SFTPPermissionDenied(FIXED)
        if place.is_folder:
            raise SFTPFileIsADirectory(FIXED)
        return place

    async def exit(self) -> None:
        """Clients take the end of a channel without a status for a failure."""
        for handle, owner in list(self._session.handles.items()):
            if owner is self:
                await handle.discard()
                self._session.handles.pop(handle, None)
        if not self.channel.is_closing():
            self.channel.exit(0)


def _step(old: Place, new: Place) -> tuple[Callable[..., object], tuple[str, ...]]:
    """What a move from here to there means, and the names it is done with."""
    if old.folder != new.folder:
        if old.folder == Folder.ERROR and new.folder in Folder.taken_in():
            _refuse_unfinished(new)
            return folders.reprocess, (old.name, new.folder, new.name)
        raise SFTPPermissionDenied(
            "A file is moved within its folder only, or from error to outbox or coutbox."
        )
    if old.folder in Folder.taken_in():
        was_unfinished, is_unfinished = map(names.is_unfinished, (old.name, new.name))
        if was_unfinished and not is_unfinished:
            return folders.arrive, (old.folder, old.name, new.name)
        if not was_unfinished:
            _refuse_unfinished(new)
    return folders.rename, (old.folder, old.name, new.name)


def _refuse_unfinished(place: Place) -> None:
    if names.is_unfinished(place.name):
        raise SFTPInvalidFilename("Such a name is for files that are not complete yet.")
