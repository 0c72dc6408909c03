"""What a partner sees of the tree: attributes, and the names in a folder, read page by page."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator

from asyncssh import SFTPAttrs, SFTPName

from integrations import folders
from integrations.choices import Folder
from integrations.models import FolderFile
from integrations.protocols.sftp.names import Place
from integrations.protocols.sftp.threads import Threads

OF_FOLDER = stat.S_IFDIR | 0o700
OF_FILE = stat.S_IFREG | 0o600


def of_folder(at: float) -> SFTPAttrs:
    return _attrs(OF_FOLDER, 0, at)


def of_row(row: FolderFile) -> SFTPAttrs:
    return of_file(row.blob.size, row.created_at.timestamp())


def of_file(size: int, at: float) -> SFTPAttrs:
    return _attrs(OF_FILE, size, at)


def _attrs(permissions: int, size: int, at: float) -> SFTPAttrs:
    moment = int(at)
    return SFTPAttrs(
        size=size, uid=0, gid=0, permissions=permissions, atime=moment, mtime=moment, nlink=1
    )


class Listing:
    """Of one folder. It holds one page of rows at a time, however many files there are."""

    def __init__(self, threads: Threads, integration: int, place: Place, since: float) -> None:
        # Nothing in it refers back: an open listing is counted for as long as it is referred to.
        self._names = _names(threads, integration, place, since)

    def __aiter__(self) -> AsyncIterator[SFTPName]:
        return self._names


async def _names(
    threads: Threads, integration: int, place: Place, since: float
) -> AsyncIterator[SFTPName]:
    for name in (b".", b".."):
        yield SFTPName(name, attrs=of_folder(since))
    if not place.folder:
        for folder in Folder.values:
            yield SFTPName(folder.encode(), attrs=of_folder(since))
        return
    after = ""
    while rows := await threads.run(folders.page, integration, place.folder, after):
        for row in rows:
            yield SFTPName(row.name.encode(), attrs=of_row(row))
        after = rows[-1].name
