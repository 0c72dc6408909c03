"""What a file system has and this tree has not.

Every method of the library's server is answered, here or in the tree: its own go to local files.
"""

from __future__ import annotations

from typing import NoReturn

from asyncssh import SFTPAttrs, SFTPOpUnsupported, SFTPPermissionDenied, SFTPServer

FIXED = "The folders are fixed: inbox, outbox, cinbox, coutbox and error."
OWNER = "partner"  # of every file, as listings show it


class NoFileSystem(SFTPServer):
    def mkdir(self, path: bytes, attrs: SFTPAttrs) -> NoReturn:
        raise SFTPPermissionDenied(FIXED)

    def rmdir(self, path: bytes) -> NoReturn:
        raise SFTPPermissionDenied(FIXED)

    def readlink(self, path: bytes) -> NoReturn:
        raise SFTPOpUnsupported("There are no links.")

    def symlink(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        raise SFTPOpUnsupported("There are no links.")

    def link(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        raise SFTPOpUnsupported("There are no links.")

    def lock(self, file_obj: object, offset: int, length: int, flags: int) -> NoReturn:
        raise SFTPOpUnsupported("Files are not locked.")

    def unlock(self, file_obj: object, offset: int, length: int) -> NoReturn:
        raise SFTPOpUnsupported("Files are not locked.")

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: SFTPAttrs) -> NoReturn:
        raise SFTPOpUnsupported("Use version 3 of the protocol.")

    def statvfs(self, path: bytes) -> NoReturn:
        raise SFTPOpUnsupported("There is no file system.")

    def fstatvfs(self, file_obj: object) -> NoReturn:
        raise SFTPOpUnsupported("There is no file system.")

    def map_path(self, path: bytes) -> NoReturn:
        raise SFTPOpUnsupported("There is no file system.")

    def reverse_map_path(self, path: bytes) -> NoReturn:
        raise SFTPOpUnsupported("There is no file system.")

    def format_user(self, uid: int | None) -> str:
        return OWNER

    def format_group(self, gid: int | None) -> str:
        return OWNER
