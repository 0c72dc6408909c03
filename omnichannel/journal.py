"""A worker's own record of what it handed over: what a killed process leaves behind.

One append-only file per worker, held locked while the worker lives. A line is written before a
message is handed over, another as soon as its answer is known, and one when all answers so far
are committed. So after a kill the only messages of unknown outcome are those handed
over and not answered; the rest of the claim is known to be unsent. Nothing is forced to the
disk, so after a crash of the machine itself nothing is known of what was not answered.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import socket
import time
from collections.abc import Iterable, Iterator
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings

from omnichannel.backends.base import Result

LONGEST = 256 * 1024  # bytes, after which a journal begins anew with what is in hand
SETTLED = "[]\n"
LATE_SECONDS = 30.0  # after which nothing more is committed for a dead worker

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
        self._begin(())

    def handed(self, key: str) -> None:
        self._write(f'["{key}"]\n')

    def answered(self, result: Result) -> None:
        parts = (result.key, result.outcome, result.code, result.text[:500], result.external_id)
        self._write(f"[{','.join(map(quoted, parts))}]\n")

    def settled(self, in_hand: Iterable[str]) -> None:
        """All answers so far are committed; the keys `in_hand` are still on the wire."""
        keys = tuple(in_hand)
        if not keys:
            os.ftruncate(self._file, 0)
            self._size = 0
        elif self._size > LONGEST:
            old = self._file
            try:
                self._begin(keys)
            finally:
                os.close(old)
        else:
            self._write(SETTLED)

    def close(self) -> None:
        """All is settled: nothing is left behind."""
        self.path.unlink(missing_ok=True)
        os.close(self._file)

    def leave(self) -> None:
        """Something is not settled: `abandoned` finds it, as it finds that of a dead worker."""
        os.close(self._file)

    def _begin(self, keys: Iterable[str]) -> None:
        """A file with these keys in hand. Whole and locked before it has the name by which
        `abandoned` finds it.
        """
        draft = self.path.with_name(f"{self.path.name}.new")
        self._file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        self._size = 0
        fcntl.flock(self._file, fcntl.LOCK_EX)
        for key in keys:
            self.handed(key)
        draft.rename(self.path)

    def _write(self, line: str) -> None:
        data = line.encode()
        if os.write(self._file, data) != len(data):
            raise OSError("The journal could not be written: is the disk full?")
        self._size += len(data)


class Left(NamedTuple):
    """What a dead worker left: {key: its answer, None if unknown}.

    `is_whole`: what it does not name was not handed over.
    """

    worker: str
    answers: dict[str, Result | None]
    is_whole: bool


def abandoned() -> Iterator[Left]:
    """Journals of dead workers of this machine, each locked while it is handled.

    Deleted only when it is old: the database may still be committing the last claim.
    """
    for path in sorted(folder().glob("*.log")):
        file = _lock(path)
        if file is None:
            continue
        try:
            worker, _, written_in = path.stem.rpartition(".")
            is_late = os.fstat(file).st_mtime < time.time() - LATE_SECONDS
            yield Left(worker, _read(path), written_in == boot())
            if is_late:
                path.unlink(missing_ok=True)
        finally:
            os.close(file)


def _lock(path: Path) -> int | None:
    """The file, locked; None when its worker lives."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    with contextlib.suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file), path.stat()):  # else it was begun anew just now
            return file
    os.close(file)
    return None


def _read(path: Path) -> dict[str, Result | None]:
    found: dict[str, Result | None] = {}
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return found  # its worker ended well just now
    for line in lines:
        entry = _entry(line)
        if not entry:
            found = {key: answer for key, answer in found.items() if answer is None}
        else:
            key, *answer = entry
            found[key] = Result(key, *answer) if answer else None
    return found


def _entry(line: bytes) -> list[Any]:
    """[], [key] or [key, outcome, code, text, external_id]; [""] for a line that is none."""
    try:
        entry = json.loads(line)
    except ValueError:
        return [""]  # cut off in the middle of a write
    is_entry = isinstance(entry, list) and len(entry) in (0, 1, 5)
    return entry if is_entry and all(isinstance(part, str) for part in entry) else [""]
