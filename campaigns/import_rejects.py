"""The file of rows that were not imported: row number, field, reason, and the row as it was."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path

from omnichannel.formulas import escape

MAX_CELL = 1_000


class RejectsFile:
    """Grows with the import. `size` is part of its checkpoint: what came after is cut away."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        if path.exists():
            os.truncate(path, size)

    def append(self, data: bytes) -> None:
        """Written through to the disk, before the checkpoint that counts it is committed."""
        if not data:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


def as_csv(rows: list[list[str]]) -> bytes:
    """Safe to open in a spreadsheet; long cells are cut."""
    text = io.StringIO()
    safe = [[escape(cell[:MAX_CELL].replace("\0", "")) for cell in row] for row in rows]
    csv.writer(text).writerows(safe)
    return text.getvalue().encode("utf-8", "replace")


def read_rejects(path: Path, size: int) -> Iterator[bytes]:
    """The first `size` bytes: what a chunk in progress has added since is not theirs yet."""
    with open(path, "rb") as file:
        while size > 0 and (part := file.read(min(size, 64 * 1024))):
            size -= len(part)
            yield part
