"""The connections of a fleet: which of them are free, and which have something to tell.

Kept as they change: looking through two hundred connections at each answer would cost more than
the message does.
"""

from __future__ import annotations

import selectors
from collections import deque

from omnichannel.backends.smtp_line import Line


class Lines:
    def __init__(self) -> None:
        self.all: list[Line] = []
        self.free: list[Line] = []  # those with nothing on them; the last one was used last
        self._loud: dict[Line, None] = {}  # those with replies that were not heard yet
        self._ready: deque[tuple[Line, bool]] = deque()  # what the selector said last
        self._selector = selectors.DefaultSelector()

    def __bool__(self) -> bool:
        return bool(self.all)

    def __len__(self) -> int:
        return len(self.all)

    @property
    def is_any_busy(self) -> bool:
        return len(self.free) < len(self.all)

    def add(self, line: Line) -> None:
        self.all.append(line)
        self.free.append(line)
        self._selector.register(line, selectors.EVENT_READ, line)

    def forget(self, line: Line) -> None:
        line.is_gone = True
        self.all.remove(line)
        if line in self.free:
            self.free.remove(line)
        self._loud.pop(line, None)
        self._selector.unregister(line)

    def watch(self, line: Line) -> None:
        """For room to write too, while there is something to be written."""
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.wants_write else 0)
        if wanted != line.watched:
            line.watched = wanted
            self._selector.modify(line, wanted, line)

    def next_to_attend(self) -> tuple[Line, bool] | None:
        """(a line that has something to tell, whether that is still to be read)"""
        if self._loud:
            return next(iter(self._loud)), False
        while self._ready:
            line, is_readable = self._ready.popleft()
            if not line.is_gone:
                return line, is_readable
        return None

    def select(self, seconds: float) -> None:
        for key, events in self._selector.select(seconds):
            self._ready.append((key.data, bool(events & selectors.EVENT_READ)))

    def attended(self, line: Line, *, was_busy: bool) -> None:
        """Where it stands now that its replies were heard."""
        if line.is_gone:
            return
        if line.unheard:
            self._loud[line] = None
        else:
            self._loud.pop(line, None)
        if was_busy and line.is_idle:
            self.free.append(line)

    def late(self, now: float) -> list[Line]:
        return [line for line in self.all if line.is_late(now)]

    def retire(self, oldest: float) -> None:
        """Close what was not used since."""
        for line in [line for line in self.free if line.last_used < oldest]:
            self.end(line)

    def end(self, line: Line) -> None:
        self.forget(line)
        line.hang_up()

    def drop_busy(self) -> None:
        self._ready.clear()
        for line in [line for line in self.all if not line.is_idle]:
            self.forget(line)
            line.session.close()

    def close(self) -> None:
        for line in self.all:
            line.hang_up()
        self.all.clear()
        self.free.clear()
        self._selector.close()
