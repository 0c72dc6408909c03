"""A worker's own record of what it handed over: what a killed process leaves behind.

One append-only file per worker, held locked while the worker lives. A line is written before a
message is handed over and another as soon as its answer is known; the file is emptied when the
answers are committed. So after a kill the only messages of unknown outcome are those handed
over and not answered; the rest of the claim is known to be unsent. Nothing is forced to the
disk, so after a crash of the machine itself nothing is known of what was not answered.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings

from omnichannel.backends.base import Result

BOOT = Path("/proc/sys/kernel/random/boot_id")


def boot() -> str:
    """Which run of the machine this is."""
    return BOOT.read_text().strip() if BOOT.exists() else "unknown"


def folder() -> Path:
    path = Path(settings.VAR_DIR) / "journal"
    path.mkdir(parents=True, exist_ok=True)
    return path


class Journal:
    """The journal of a living worker. `worker` is the name that its claims carry."""

    def __init__(self) -> None:
        self.worker = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"
        self.path = folder() / f"{self.worker}.{boot()}.log"
        # Locked before it has the name by which `abandoned` finds it.
        draft = self.path.with_name(f"{self.path.name}.new")
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


class Left(NamedTuple):
    """What a dead worker left: {key: its answer, None if unknown}.

    `is_whole`: what it does not name was not handed over.
    """

    worker: str
    answers: dict[str, Result | None]
    is_whole: bool


def abandoned() -> Iterator[Left]:
    """Journals of dead workers of this machine; each is locked while handled, then deleted."""
    for path in sorted(folder().glob("*.log")):
        file = _lock(path)
        if file is None:
            continue
        try:
            worker, _, written_in = path.stem.rpartition(".")
            yield Left(worker, _read(path), written_in == boot())
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
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return found  # its worker ended well just now
    for line in lines:
        key, *answer = _entry(line)
        found[key] = Result(key, *answer) if answer else None
    return found


def _entry(line: bytes) -> list[Any]:
    """[key] or [key, outcome, code, text, external_id]; [""] for a line that is neither."""
    try:
        entry = json.loads(line)
    except ValueError:
        return [""]  # cut off in the middle of a write
    is_entry = isinstance(entry, list) and len(entry) in (1, 5)
    return entry if is_entry and all(isinstance(part, str) for part in entry) else [""]
