"""A worker's own record of what it handed over: what a killed process leaves behind.

One append-only file per worker, held locked while the worker lives. A line is written before a
message is handed over and another as soon as its answer is known; the file is emptied when the
answers are committed. So after a kill the only messages of unknown outcome are those handed
over and not answered; the rest of the claim is known to be unsent.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from omnichannel.backends.base import Result


def folder() -> Path:
    path = Path(settings.VAR_DIR) / "journal"
    path.mkdir(parents=True, exist_ok=True)
    return path


class Journal:
    """The journal of a living worker. `worker` is the name that its claims carry."""

    def __init__(self) -> None:
        self.worker = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"
        self.path = folder() / f"{self.worker}.log"
        # Locked before it has the name by which `abandoned` finds it.
        draft = self.path.with_suffix(".new")
        self._file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        draft.rename(self.path)

    def handed(self, key: str) -> None:
        os.write(self._file, f'["{key}"]\n'.encode())

    def answered(self, result: Result) -> None:
        line = json.dumps(
            [result.key, result.outcome, result.code, result.text[:500], result.external_id]
        )
        os.write(self._file, line.encode() + b"\n")

    def empty(self) -> None:
        os.ftruncate(self._file, 0)

    def close(self) -> None:
        """All is settled: nothing is left behind."""
        self.path.unlink(missing_ok=True)
        os.close(self._file)

    def leave(self) -> None:
        """Something is not settled: `abandoned` finds it, as it finds that of a dead worker."""
        os.close(self._file)


def abandoned() -> Iterator[tuple[str, dict[str, Result | None]]]:
    """Journals of dead workers of this machine: (worker, {key: its answer, None if unknown}).

    Each is locked while it is handled and deleted after.
    """
    for path in sorted(folder().glob("*.log")):
        file = _lock(path)
        if file is None:
            continue
        try:
            yield path.stem, _read(path)
            path.unlink(missing_ok=True)
        finally:
            os.close(file)


def _lock(path: Path) -> int | None:
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


def _read(path: Path) -> dict[str, Result | None]:
    found: dict[str, Result | None] = {}
    for line in path.read_bytes().splitlines():
        entry = _entry(line)
        if entry is not None:
            found[entry[0]] = Result(*entry) if len(entry) > 1 else None
    return found


def _entry(line: bytes) -> list[Any] | None:
    try:
        return json.loads(line)
    except ValueError:
        return None  # cut off in the middle of a write
