"""Many SMTP connections at once, in one thread: real relays are about connections.

A connection lost before a message's body went out costs nothing: another takes the message over.
"""

from __future__ import annotations

import smtplib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from omnichannel.backends.base import OutgoingMessage, Result
from omnichannel.backends.smtp_line import GOOD, Line, Parcel, Reply
from omnichannel.backends.smtp_lines import Lines
from omnichannel.backends.smtp_openers import Openers
from omnichannel.backends.smtp_session import SmtpSession
from omnichannel.backends.smtp_statuses import ACCEPTED, interrupted, refusal, words
from omnichannel.exceptions import OutcomeUnknown, ProviderTrouble, Rejected, SendError

MESSAGES_PER_LINE = 500
IDLE_SECONDS = 30
POLL_SECONDS = 0.05
LIMIT_SECONDS = 5.0  # after which a server that took no more connections is asked again


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
        self.lines = Lines()
        self._looked = self._limit_ends = 0.0
        self.idle: Callable[[], None] = lambda: None  # called whenever no answer came
        self._openers = Openers(open_session, size)
        self._waiting: deque[Parcel] = deque()
        self._results: deque[Result] = deque()
        self._feed: Iterator[OutgoingMessage] = iter(())
        self._is_fed, self._limit = True, size

    def deliver(self, messages: Iterable[OutgoingMessage]) -> Iterator[Result]:
        """A result per message, as they come. Raises ProviderTrouble when nothing connects."""
        self._feed, self._is_fed, self._limit = iter(messages), False, self.size
        self._greet()
        try:
            while self._is_waiting() or not self._is_fed:
                self._poll()
                yield from self._told()  # what is known, before anything can go wrong
                self._assign()
            yield from self._told()
        except ProviderTrouble as trouble:
            yield from self._taken(trouble)
            raise
        finally:
            # What is still in hand when the batch is broken off has no answer to wait for.
            self._waiting.clear()
            self._results.clear()
            self.lines.drop_busy()

    def _greet(self) -> None:
        """Whatever became of the connections since the last run."""
        self._openers.forget_failures()
        self.lines.retire(time.monotonic() - IDLE_SECONDS)
        self.lines.select(0.0)
        while found := self.lines.next_to_attend():
            self._attend(*found)
        self._take_opened()

    def _taken(self, trouble: ProviderTrouble) -> Iterator[Result]:
        """Who was written to must not be written to again for the sake of a copy."""
        yield from self._told()
        for parcel in filter(lambda parcel: parcel.taken, self._waiting):
            parcel.notes.append(f" Its other copies were not taken: {trouble}")
            yield self.accept(parcel)

    def close(self) -> None:
        self._openers.close()
        self.lines.close()

    def _told(self) -> Iterator[Result]:
        while self._results:
            yield self._results.popleft()

    def _is_waiting(self) -> bool:
        """For an answer, or for a connection that takes a message."""
        return bool(self._waiting) or self.lines.is_any_busy

    def _assign(self) -> None:
        """Give every free connection a message."""
        self._take_opened()
        while self.lines.free:
            line = self.lines.free[-1]
            if line.messages >= MESSAGES_PER_LINE:
                self.lines.end(line)
                continue
            parcel = self._next()
            if parcel is None:
                return
            self.lines.free.pop()
            self._begin(line, parcel)
            if self._results:
                return  # told before more are taken
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
            else:
                self.lines.add(Line(ended))
        if trouble is not None and not self.lines and not self._openers:
            raise trouble
        if trouble is not None:  # the server takes no more connections than these
            self._limit = max(1, len(self.lines) + len(self._openers))
            self._limit_ends = time.monotonic() + LIMIT_SECONDS

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
            if line.is_idle:
                self.lines.free.append(line)
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
        self.lines.watch(line)

    def _poll(self) -> None:
        """Hear replies until one settles a message: its result is told before more is heard."""
        while not self._results and (found := self.lines.next_to_attend()):
            self._attend(*found)
        if not self.lines:
            self._openers.wait(POLL_SECONDS / 10)
        elif not self._results:
            seconds = POLL_SECONDS / 10 if self._openers else POLL_SECONDS
            self.lines.select(seconds if self._is_waiting() else 0.0)
        if time.monotonic() - self._looked > POLL_SECONDS:
            self._look_after()

    def _look_after(self) -> None:
        """Now and then: what takes too long ends, what idled too long is closed."""
        now = self._looked = time.monotonic()
        for line in self.lines.late(now):
            self._attend(line, is_readable=True)  # its answer came while we were held up
            if not line.is_gone and line.is_late(now):
                self._lost(line, TimeoutError("the time for it ran out"))
        if now > self._limit_ends:
            self._limit = self.size
        self.lines.retire(now - IDLE_SECONDS)
        self.idle()

    def _attend(self, line: Line, is_readable: bool) -> None:
        was_busy = not line.is_idle
        try:
            if is_readable:
                line.read()
        except OSError as error:
            self._lost(line, error)
            return
        while line.unheard and not self._results:
            self._heard(line, line.unheard.popleft())
        if line.broken is not None and not line.unheard:
            self._lost(line, line.broken)
        elif not line.is_gone and line.wants_write:
            self._flush(line)
        self.lines.attended(line, was_busy=was_busy)

    def _heard(self, line: Line, reply: Reply) -> None:
        parcel, stage = reply.parcel, reply.stage
        if line.is_gone or stage == "rset":
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
        if self.lines.free:
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
        # Answered before its body was out: the rest of it would be read as commands.
        if (reply.code == 421 or line.is_mid_body) and not line.is_gone:
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
        if line.is_gone:
            return
        in_hand = line.in_hand()
        self.lines.forget(line)
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
