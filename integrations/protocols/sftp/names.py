"""The paths of the virtual tree: a root, five folders in it, and files in those. Knows no rows."""

from __future__ import annotations

import posixpath
import unicodedata
from dataclasses import dataclass

from asyncssh import SFTPInvalidFilename, SFTPNoSuchFile

from integrations.choices import Folder

LONGEST = 255  # bytes of UTF-8
UNFINISHED = (".tmp", ".filepart", ".part")  # what clients call a file until it is complete


@dataclass(frozen=True)
class Place:
    """The root: neither. A folder: no name."""

    folder: str = ""
    name: str = ""

    @property
    def is_folder(self) -> bool:
        return not self.name


def place(path: bytes) -> Place:
    """Where a path leads, whatever `..` is in it: never out of the tree."""
    parts = normal(path).decode().split("/")[1:]
    if parts == [""]:
        return Place()
    if parts[0] not in Folder.values or len(parts) > 2:
        raise SFTPNoSuchFile("There is no such file or folder.")
    return Place(parts[0], parts[1] if len(parts) == 2 else "")


def normal(path: bytes) -> bytes:
    """From the root. Names that differ only in how their letters are composed are one name."""
    try:
        text = unicodedata.normalize("NFC", path.decode())
    except UnicodeDecodeError as error:
        raise SFTPInvalidFilename("Names are in UTF-8.") from error
    found = posixpath.normpath(posixpath.join("/", text))
    return f"/{found.lstrip('/')}".encode()


def is_usable(name: str) -> bool:
    """May a file be called so? What may not, is never stored and so never found either."""
    return (
        len(name.encode()) <= LONGEST
        and name == name.strip()
        and not any(unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp") for letter in name)
        and "\\" not in name
    )


def is_unfinished(name: str) -> bool:
    """A file of this name becomes a document when it gets another one."""
    return name.startswith(".") or name.lower().endswith(UNFINISHED)
