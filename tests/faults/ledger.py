"""What a provider really took: a JSON line per recipient, on the disk before it says so."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ACCEPTED = "accepted"


@dataclass(frozen=True)
class Entry:
    at: float  # time.time() of the provider
    kind: str  # accepted, or the phase of a rule that was applied
    to: str
    key: str = ""
    text: str = ""  # of an accepted message: its subject and text, else what was done


class Ledger:
    """Written by the provider's threads."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock = threading.Lock()

    def add(self, kind: str, to: str, **more: Any) -> None:
        line = json.dumps({"at": time.time(), "kind": kind, "to": to, **more})
        with self._lock:
            os.write(self._file, line.encode() + b"\n")
            if kind == ACCEPTED:
                os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)


def read(path: Path) -> list[Entry]:
    lines = path.read_text().splitlines() if path.exists() else []
    return [Entry(**json.loads(line)) for line in lines]


def count(path: Path, kind: str) -> int:
    """How many entries of a kind there are, without reading what they say."""
    return path.read_bytes().count(f'"kind": "{kind}"'.encode()) if path.exists() else 0
