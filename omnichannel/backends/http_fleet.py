"""Several calls at once over kept connections, in one thread.

Messages are taken as connections become free. An event loop takes less than half the time of a
thread for each connection, and the calling thread alone renders and writes.
"""

from __future__ import annotations

import selectors
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from omnichannel.backends.base import Result
from omnichannel.backends.http_answer import Answer
from omnichannel.backends.http_dial import connect
from omnichannel.backends.http_line import Call, Line
from omnichannel.backends.http_openers import Openers
from omnichannel.backends.http_request import Peer
from omnichannel.exceptions import (
    OutcomeUnknown,
    ProviderRefused,
    ProviderTrouble,
    SendError,
    TemporaryError,
)

POLL_SECONDS = 0.05
MOST_TRIES = 3  # of a call whose connection was lost before all of it was written


class Fleet:
    """Up to `size` connections to one peer."""

    def __init__(self, peer: Peer, size: int, deadline: float) -> None:
        self.peer = peer
        self.size = size
        self.deadline = deadline
        self.idle: Callable[[], None] = lambda: None  # called whenever no answer came
        self.lines: list[Line] = []
        self._idle: list[Line] = []
        self._selector = selectors.DefaultSelector()
        self._openers = Openers(lambda: connect(peer, deadline), size)
        self._selector.register(self._openers.bell, selectors.EVENT_READ)
        self._waiting: deque[Call] = deque()
        self._results: deque[Result] = deque()
        self._plan: Iterator[Call | Result] = iter(())
        self._is_planned = True
        self._limit = size
        self._trouble: ProviderTrouble | None = None
        self._looked = 0.0

    def deliver(self, plan: Iterable[Call | Result]) -> Iterator[Result]:
        """Make the calls of a lazy plan; yield the results as they come.

        ProviderTrouble ends the taking; it is raised when the calls in flight have ended.
        """
        self._begin_run(plan)
        try:
            while True:
                yield from self._told()
                self._assign()
                if self._results:
                    continue
                if not self._goes_on():
                    break
                self._poll()
        finally:
            self._drop_busy()
        if self._trouble is not None:
            raise self._trouble

    def ask(self, request: bytes) -> Answer:
        """One call by itself. Raises SendError when there is no answer."""
        heard: list[Answer | SendError] = []

        def settle(outcome: Answer | SendError) -> list[Result | Call]:
            heard.append(outcome)
            return []

        for _ in self.deliver([Call(request, time.monotonic() + self.deadline, settle)]):
            pass
        [outcome] = heard
        if isinstance(outcome, SendError):
            raise outcome
        return outcome

    def close(self) -> None:
        self._openers.close()
        for line in self.lines:
            line.close()
        self.lines.clear()
        self._idle.clear()
        self._selector.close()

    def _begin_run(self, plan: Iterable[Call | Result]) -> None:
        self._take_opened()  # whatever became of those that the last run did not wait for
        self._plan = iter(plan)
        self._is_planned = False
        self._limit = self.size
        self._trouble = None

    def _forget_old(self) -> None:
        """Close what the server will soon close: a call would be lost in between."""
        now = time.monotonic()
        for line in [line for line in self._idle if line.idle_until < now]:
            self._forget(line)

    def _told(self) -> Iterator[Result]:
        while self._results:
            yield self._results.popleft()

    def _goes_on(self) -> bool:
        if len(self._idle) < len(self.lines):
            return True
        return self._trouble is None and bool(self._waiting)

    def _assign(self) -> None:
        """Give every free connection a call, and open more when there are none."""
        self._take_opened()
        self._forget_old()
        while self._idle and self._trouble is None:
            if not self._idle[-1].is_open():
                self._forget(self._idle[-1])
                continue
            call = self._next()
            if call is None:
                return
            self._begin(self._idle.pop(), call)
        if self._trouble is None:
            self._open_more()

    def _next(self, *, fresh: bool = False) -> Call | None:
        """The next call; None when there is none, or a result is to be told before."""
        if self._waiting and not fresh:
            return self._waiting.popleft()
        if self._is_planned:
            return None
        try:
            item = next(self._plan, None)
        except ProviderTrouble as error:
            self._stop(error)
            return None
        if isinstance(item, Call):
            return item
        if item is None:
            self._is_planned = True
        else:
            self._results.append(item)
        return None

    def _open_more(self) -> None:
        """Another connection for each call that waits; the first one shows whether it works."""
        limit = self._limit if self.lines else 1
        while len(self.lines) + len(self._openers) < limit:
            if len(self._waiting) <= len(self._openers):
                call = self._next(fresh=True)
                if call is None:
                    return
                self._waiting.append(call)
            self._openers.start()

    def _take_opened(self) -> None:
        trouble = None
        for ended in self._openers.ended():
            if isinstance(ended, ProviderTrouble):
                trouble = ended
                continue
            line = Line(ended)
            self.lines.append(line)
            self._idle.append(line)
            self._selector.register(line, selectors.EVENT_READ, line)
        if trouble is None:
            return
        if self.lines or self._openers:  # the server takes no more connections than these
            self._limit = max(1, len(self.lines) + len(self._openers))
        else:
            self._stop(trouble)

    def _stop(self, error: ProviderTrouble) -> None:
        """What was refused for good outweighs what may pass."""
        if self._trouble is None or isinstance(error, ProviderRefused):
            self._trouble = error

    def _begin(self, line: Line, call: Call) -> None:
        if call.ends < time.monotonic():
            self._idle.append(line)
            text = "No connection was free for it in time: nothing was handed over."
            self._settle(call, TemporaryError(text))
            return
        line.begin(call)
        self._write(line)

    def _write(self, line: Line) -> None:
        try:
            line.write()
        except OSError as error:
            self._after_torn_write(line, error)
            return
        wanted = selectors.EVENT_READ | (0 if line.is_written else selectors.EVENT_WRITE)
        if self._selector.get_key(line).events != wanted:
            self._selector.modify(line, wanted, line)

    def _after_torn_write(self, line: Line, error: OSError) -> None:
        """A server that refuses early may have said why."""
        try:
            if line.read():
                self._answered(line)
                return
        except OSError:
            pass
        self._lost(line, error)

    def _poll(self) -> None:
        for key, events in self._selector.select(POLL_SECONDS):
            if key.data is not None:
                self._attend(key.data, events)
        now = time.monotonic()
        if now - self._looked > POLL_SECONDS:
            self._looked = now
            self._end_late(now)
        if not self._results:
            self.idle()

    def _attend(self, line: Line, events: int) -> None:
        if line.call is None:
            if line in self._idle and not line.is_open():
                self._forget(line)
            return
        try:
            if events & selectors.EVENT_READ and line.read():
                self._answered(line)
                return
        except OSError as error:
            self._lost(line, error)
            return
        if events & selectors.EVENT_WRITE:
            self._write(line)

    def _answered(self, line: Line) -> None:
        call = line.call
        if call is None:
            return
        answer = line.reader.answer()
        if line.rest():
            self._idle.append(line)
        else:
            self._forget(line)
        self._settle(call, answer)

    def _lost(self, line: Line, error: OSError) -> None:
        """The connection is gone: judge the call by how far it got."""
        call = line.call
        self._forget(line)
        if call is None:
            return
        if line.reader.has_status:
            self._settle(call, line.reader.answer())
        elif line.is_written:
            text = f"Handed over, but no answer came: {error}"
            self._settle(call, OutcomeUnknown(text))
        elif call.tries + 1 < MOST_TRIES and time.monotonic() < call.ends:
            call.tries += 1
            self._waiting.appendleft(call)
        else:
            text = f"The connection was lost before all was handed over: {error}"
            self._settle(call, TemporaryError(text))

    def _settle(self, call: Call, outcome: Answer | SendError) -> None:
        try:
            for item in call.settle(outcome):
                if isinstance(item, Call):
                    self._waiting.append(item)
                else:
                    self._results.append(item)
        except ProviderTrouble as error:
            self._stop(error)

    def _end_late(self, now: float) -> None:
        for line in [line for line in self.lines if line.call and line.call.ends < now]:
            self._lost(line, TimeoutError("the time for it ran out"))

    def _forget(self, line: Line) -> None:
        self.lines.remove(line)
        if line in self._idle:
            self._idle.remove(line)
        self._selector.unregister(line)
        line.close()

    def _drop_busy(self) -> None:
        """What is still in hand when the run is broken off has no answer to wait for."""
        self._waiting.clear()
        self._results.clear()
        for line in [line for line in self.lines if line.call is not None]:
            self._forget(line)
