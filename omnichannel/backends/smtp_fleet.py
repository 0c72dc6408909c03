"""Many SMTP connections at once, in one thread: real relays are about connections.

Messages are taken as connections become free. A connection that is lost before a message's body
went out costs nothing: another one takes the message over.
"""

from __future__ import annotations

import selectors
import smtplib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from omnichannel.backends.base import OutgoingMessage, Result
from omnichannel.backends.smtp_line import GOOD, Line, Parcel, Reply
from omnichannel.backends.smtp_openers import Openers
from omnichannel.backends.smtp_session import SmtpSession
from omnichannel.backends.smtp_statuses import ACCEPTED, interrupted, refusal, words
from omnichannel.exceptions import (
    OutcomeUnknown,
    ProviderTrouble,
    Rejected,
    SendError,
)

MESSAGES_PER_LINE = 500
IDLE_SECONDS = 30
POLL_SECONDS = 0.05


class Fleet:
    """Up to `size` connections of one provider. `open_session` raises ProviderTrouble."""

    def __init__(
        self,
        open_session: Callable[[], SmtpSession],
        pack: Callable[[OutgoingMessage], Parcel],
        accept: Callable[[Parcel], Result],
        size: int,
        deadline: float,
    ) -> None:
        self.deadline = deadline
        self.pack = pack
        self.accept = accept
        self.size = size
        self.lines: list[Line] = []
        self._selector = selectors.DefaultSelector()
        self._openers = Openers(open_session, size)
        self._waiting: deque[Parcel] = deque()
        self._results: deque[Result] = deque()
        self._feed: Iterator[OutgoingMessage] = iter(())
        self._is_fed = True
        self._limit = size

    def deliver(self, messages: Iterable[OutgoingMessage]) -> Iterator[Result]:
        """A result per message, as they come. Raises ProviderTrouble when nothing connects."""
        self._feed = iter(messages)
        self._is_fed = False
        self._limit = self.size
        try:
            while self._is_waiting() or not self._is_fed:
                self._poll()
                yield from self._told()  # what is known, before anything can go wrong
                self._assign()
            yield from self._told()
        finally:
            self._drop_busy()

    def close(self) -> None:
        self._openers.close()
        for line in self.lines:
            line.hang_up()
        self.lines.clear()
        self._selector.close()

    def _told(self) -> Iterator[Result]:
        while self._results:
            yield self._results.popleft()

    def _is_waiting(self) -> bool:
        """There is something to wait for: an answer, or a connection for a message."""
        return bool(self._waiting) or any(not line.is_idle for line in self.lines)

    def _assign(self) -> None:
        """Give every free connection a message."""
        self._take_opened()
        self._retire()
        for line in [line for line in self.lines if line.is_idle]:
            parcel = self._next()
            if parcel is None:
                break
            self._begin(line, parcel)
        else:
            self._open_more()

    def _open_more(self) -> None:
        """All connections are busy: open another for each message that waits."""
        while len(self.lines) + len(self._openers) < self._limit:
            if len(self._waiting) <= len(self._openers):
                parcel = self._next(fresh=True)
                if parcel is None:
                    return
                self._waiting.append(parcel)
            self._openers.start()

    def _take_opened(self) -> None:
        """Raises ProviderTrouble when no connection is left to go on with."""
        trouble = None
        for ended in self._openers.ended():
            if isinstance(ended, ProviderTrouble):
                trouble = ended
                continue
            line = Line(ended)
            self.lines.append(line)
            self._selector.register(line, selectors.EVENT_READ, line)
        if trouble is not None and not self.lines and not self._openers:
            raise trouble
        if trouble is not None:  # the server takes no more connections than these
            self._limit = max(1, len(self.lines) + len(self._openers))

    def _next(self, *, fresh: bool = False) -> Parcel | None:
        if self._waiting and not fresh:
            return self._waiting.popleft()
        message = next(self._feed, None)
        if message is None:
            self._is_fed = True
            return None
        try:
            return self.pack(message)
        except SendError as error:
            self._results.append(Result.from_error(message, error))
            return None  # its result is told before more are taken

    def _begin(self, line: Line, parcel: Parcel) -> None:
        if parcel.recipients[0][1] and not line.has_utf8:
            text = "The server does not take addresses with such letters (SMTPUTF8)."
            self._settle(parcel, Rejected(text, code="smtputf8"))
            return
        line.begin(parcel)
        self._flush(line)

    def _flush(self, line: Line) -> None:
        try:
            line.write()
        except OSError as error:
            line.broken = error
            if not line.unheard:
                self._lost(line, error)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.wants_write else 0)
        self._selector.modify(line, wanted, line)

    def _poll(self) -> None:
        """Hear replies until one settles a message: its result is told before more is heard."""
        seconds = POLL_SECONDS / 10 if self._openers else POLL_SECONDS
        if not self.lines:
            self._openers.wait(seconds)
            return
        unheard = [line for line in self.lines if line.unheard]
        for line in unheard:
            self._attend(line, readable=False)
            if self._results:
                return
        if unheard or not self._is_waiting():
            seconds = 0.0
        for key, events in self._selector.select(seconds):
            self._attend(key.data, readable=bool(events & selectors.EVENT_READ))
            if self._results:
                return
        self._end_late()

    def _attend(self, line: Line, *, readable: bool) -> None:
        try:
            if readable:
                line.read()
        except OSError as error:
            self._lost(line, error)
            return
        while line.unheard and not self._results:
            self._heard(line, line.unheard.popleft())
        if line.broken is not None and not line.unheard:
            self._lost(line, line.broken)
        elif line in self.lines and line.wants_write:
            self._flush(line)

    def _heard(self, line: Line, reply: Reply) -> None:
        parcel, stage = reply.parcel, reply.stage
        if line not in self.lines or stage == "rset":
            return
        if stage == "answer":
            self._answered(line, reply)
        elif stage == "void":
            self._refused(line, parcel)
        elif reply.code == 421:
            line.take_back(reply)
            self._lost(line, smtplib.SMTPResponseException(reply.code, reply.text))
        elif stage == "data":
            self._at_data(line, reply)
        elif reply.code not in GOOD[stage]:
            parcel.refused = parcel.refused or (reply.code, reply.text, stage)
            if not line.pipelines:
                self._refused(line, parcel)
        elif not line.pipelines:
            line.go_on(parcel, stage)

    def _at_data(self, line: Line, reply: Reply) -> None:
        parcel = reply.parcel
        if reply.code == 354 and parcel.refused:
            line.void(parcel)
        elif reply.code == 354:
            line.body(parcel)
            self._look_ahead(line)
        else:
            parcel.refused = parcel.refused or (reply.code, reply.text, "data")
            self._refused(line, parcel)

    def _look_ahead(self, line: Line) -> None:
        """The next envelope goes out behind this body, unless another connection is free."""
        if not line.pipelines or line.messages >= MESSAGES_PER_LINE:
            return
        if any(other.is_idle for other in self.lines):
            return
        parcel = self._next()
        if parcel is not None:
            self._begin(line, parcel)

    def _refused(self, line: Line, parcel: Parcel) -> None:
        line.leave()
        code, text, stage = parcel.refused or (554, b"", "data")
        self._settle(parcel, refusal(code, words(text), stage=stage))

    def _answered(self, line: Line, reply: Reply) -> None:
        error = None
        if reply.code not in ACCEPTED:
            error = refusal(reply.code, words(reply.text), stage="answer")
        elif reply.parcel.taken is None:
            reply.parcel.taken = (reply.code, reply.text)
        self._settle(reply.parcel, error)
        if reply.code == 421 and line in self.lines:
            self._lost(line, smtplib.SMTPResponseException(reply.code, reply.text))

    def _settle(self, parcel: Parcel, error: SendError | None) -> None:
        """One recipient is done: on to the next copy, or the message is."""
        recipient, _ = parcel.recipients.pop(0)
        if error is not None and parcel.taken is None:
            self._results.append(Result.from_error(parcel.message, error))
            return
        if error is not None:
            parcel.notes.append(f" The copy to {recipient} was not taken: {error}")
        if parcel.recipients:
            self._waiting.append(parcel)
        else:
            self._results.append(self.accept(parcel))

    def _lost(self, line: Line, error: OSError) -> None:
        """The connection is gone: judge what was on it by how far it got."""
        if line not in self.lines:
            return
        in_hand = line.in_hand()
        self._forget(line)
        line.session.close()
        for number, (parcel, stage) in enumerate(in_hand):
            # The one behind another is late only since that one was.
            is_late = number == 0 and parcel.ends < time.monotonic()
            if stage == "answer":
                text = f"Handed over, but no answer came: {error}"
                self._settle(parcel, OutcomeUnknown(text, code="no-answer"))
            elif stage == "body" or not line.messages or is_late or parcel.is_over:
                self._settle(parcel, interrupted(stage, error))
            else:
                parcel.tries += 1
                parcel.ends = time.monotonic() + self.deadline  # it was not this one's fault
                self._waiting.appendleft(parcel)

    def _end_late(self) -> None:
        now = time.monotonic()
        for line in list(self.lines):
            if not line.unheard and any(parcel.ends < now for parcel, _ in line.in_hand()):
                self._lost(line, TimeoutError("the time for it ran out"))

    def _retire(self) -> None:
        """Close what idled too long or has carried enough."""
        oldest = time.monotonic() - IDLE_SECONDS
        for line in [line for line in self.lines if line.is_idle]:
            if line.last_used < oldest or line.messages >= MESSAGES_PER_LINE:
                self._forget(line)
                line.hang_up()

    def _forget(self, line: Line) -> None:
        self.lines.remove(line)
        self._selector.unregister(line)

    def _drop_busy(self) -> None:
        """What is still in hand when the batch is broken off has no answer to wait for."""
        self._waiting.clear()
        self._results.clear()
        for line in [line for line in self.lines if not line.is_idle]:
            self._forget(line)
            line.session.close()
