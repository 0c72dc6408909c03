"""A worker that dies in this process as if by `kill -9`.

From the moment of its death on none of its statements reaches the database, and the journals are
put back as they were: whatever its code still does while it unwinds is undone. What the system
does for a killed process happens here as well: its open transaction is rolled back and its file
is unlocked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection

from omnichannel import journal

CRASH_POINTS = ("claimed", "handed", "wire", "answered", "recording", "recorded")
ROLLS_BACK = ("SAVEPOINT", "RELEASE", "ROLLBACK")


class Killed(BaseException):
    """Nothing of the product catches it."""


@dataclass
class Death:
    """The `count`-th passing of a crash point, or of "statement", is the end.

    `fate` is what becomes of the journal: it is kept, or gone with its container, or the whole
    machine went down, with the journal's lines or without them.
    """

    point: str
    count: int = 1
    fate: str = "kept"


@dataclass
class Mortal:
    """One life: what runs in `lives` ends at its death, and only that."""

    death: Death | None = None
    dead: bool = False
    left: dict[Path, bytes] = field(default_factory=dict)

    def passed(self, point: str) -> None:
        if self.dead:
            raise Killed
        if self.death is None or self.death.point != point:
            return
        self.death.count -= 1
        if self.death.count < 1:
            self.dead = True
            self.left = journals()
            raise Killed

    def _statement(self, execute: Callable, sql: str, *rest: Any) -> Any:
        if not sql.startswith(ROLLS_BACK):
            self.passed("statement")
        return execute(sql, *rest)

    @contextmanager
    def lives(self) -> Iterator[None]:
        before = journals().keys()
        try:
            with connection.execute_wrapper(self._statement):
                yield
        except Killed:
            self._bury(before)

    def _bury(self, before: Any) -> None:
        """Put the journals back as they were; the dead one's is given to its fate."""
        for path, content in self.left.items():
            if not path.exists() or path.read_bytes() != content:
                path.write_bytes(content)
            if path in before or self.death is None:
                continue
            if self.death.fate == "lost":
                path.unlink()
            elif self.death.fate == "power without lines":
                path.write_bytes(b"")


def journals() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(journal.folder().glob("*.log"))}
