"""Claimed messages on their way through a worker's backend."""

from __future__ import annotations

import datetime
import functools
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future

from django.db import DatabaseError

from omnichannel import crash, durable, lanes, receipts, recording, trouble
from omnichannel.aside import Aside
from omnichannel.backends.base import OutgoingMessage, Result, TrackingEvent
from omnichannel.choices import Outcome
from omnichannel.claimed import Claimed
from omnichannel.exceptions import (
    InvalidMessage,
    ProviderRefused,
    ProviderTrouble,
    SendError,
    TemplateError,
)
from omnichannel.lots import Lot, Lots
from omnichannel.models import Lane
from omnichannel.outgoing import outgoing
from omnichannel.screening import is_timely
from omnichannel.unkept import Unkept
from omnichannel.verdicts import Verdict, judge, wait_for_provider
from omnichannel.worker import Worker

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 0.1
FLUSH_ROWS = 500
MOST_WAITING = 2 * FLUSH_ROWS  # verdicts, while others are being written
SETTLE_SECONDS = 1.0  # how long the journal keeps answers that are committed, perhaps not on disk
LOOK_SECONDS = 0.5  # how often a running batch looks whether it was paused
# Answers of a provider that works, whatever it thinks of the message.
WELL = (Outcome.ACCEPTED, Outcome.DELIVERED, Outcome.REJECTED)
LOT_SECONDS = 60.0  # after which the rest of a claim is put back, well inside the lease

_now = functools.partial(datetime.datetime.now, datetime.UTC)


class Batch:
    """Each message ends recorded, or put back if it was never handed over.

    `lots` claims: it is asked for the next lot when the backend has room for more, so that no
    connection waits for the last message of a lot.
    """

    def __init__(self, worker: Worker, lots: Iterable[Lot], stopped: Callable[[], bool]) -> None:
        self.worker = worker
        self.aside = Aside()
        self.lots = Lots(worker, lots, self.aside)
        self.stopped = stopped
        self.in_flight: dict[str, Claimed] = {}
        self.unkept = Unkept()
        self.verdicts: list[Verdict] = []
        self.events: list[TrackingEvent] = []
        self.handled = 0
        self.is_halted = False  # nothing more goes through this provider now
        self.fault: DatabaseError | None = None
        self.writing: Future[None] | None = None
        self.being_written: tuple[list[Verdict], list[TrackingEvent]] = ([], [])
        self.is_unsettled = False  # something is committed that the journal still keeps
        self.when_written: Callable[[], object] = lambda: None
        self.claimed = self.flushed = self.settled = self.looked = time.monotonic()

    def send(self) -> int:
        """Send what the lots hold; answer how many messages were settled."""
        backend = self.worker.backend
        backend.idle = self._flush_late
        try:
            for result in backend.deliver(self._feed()):
                self._answered(result)
        except ProviderTrouble as error:
            self._provider_trouble(error)
        except SendError as error:
            self._unanswered(error.outcome, error.code, str(error))
        finally:
            del backend.idle
            # A fault in a backend's code leaves what it had in hand uncertain, nothing lost.
            self._unanswered(Outcome.UNKNOWN, "", "The backend gave no result.")
            self._end()
        if self.fault:
            raise self.fault
        return self.handled + self.lots.screened

    def _feed(self) -> Iterator[OutgoingMessage]:
        """What may be handed over. A fault of the database ends it, and no more: what is on the
        wire is still answered.
        """
        try:
            yield from self._ready_messages()
        except DatabaseError as error:
            self.fault = error

    def _ready_messages(self) -> Iterator[OutgoingMessage]:
        while not self.is_halted and (taken := self.lots.next()):
            lane, messages, self.claimed = taken
            self.looked = 0.0  # the list of lanes that it comes from may be a round old
            for number, message in enumerate(messages):
                at = _now()
                if not self._go_on(lane, at):
                    self.lots.put_back([left.pk for left in messages[number:]])
                    break
                self.lots.look_ahead(len(messages) - number)
                ready = self._made(message) if is_timely(message, at) else None
                if ready is None:
                    continue
                self.worker.journal.handed(ready.key)
                self.in_flight[ready.key] = message
                crash.point("handed")
                yield ready

    def _made(self, message: Claimed) -> OutgoingMessage | None:
        """The message as the backend takes it; None when it cannot be made, which is judged."""
        try:
            with self.unkept.masking():
                return outgoing(self.unkept.whole(message), self.worker.backend.config)
        except (TemplateError, InvalidMessage) as error:
            self._judge(message, Outcome.REJECTED, error.code, str(error))
        except DatabaseError:
            raise
        except Exception as error:
            # Its own fault or a passing one: it is tried again, and its lane goes on.
            logger.exception("Message %s cannot be made", message.pk)
            text = f"It could not be made ({type(error).__name__}): the log has the details."
            self._judge(message, Outcome.TEMPORARY, "", text)
        return None

    def _go_on(self, lane: Lane, at: datetime.datetime) -> bool:
        now = time.monotonic()
        if self.is_halted or self.stopped() or now - self.claimed > LOT_SECONDS:
            return False
        if now - self.looked > LOOK_SECONDS:
            self.looked = now
            if not lanes.is_free(lane, at):
                return False
        return lanes.in_window(lane, at)

    def _answered(self, result: Result) -> None:
        crash.point("answered")
        result = self.unkept.hidden(result)
        self.worker.journal.answered(result)
        outcome = self.worker.table.outcome_of(result)
        # In hand until its verdict is kept: whatever fails here must not put it back.
        message = self.in_flight[result.key]
        if outcome != Outcome.AUTH:
            self.verdicts.append(judge(message, result, outcome, _now()))
            self.events.extend(result.events)
        del self.in_flight[result.key]
        self._heed(outcome, result)
        if len(self.verdicts) >= FLUSH_ROWS:
            self._flush_or_halt()
        else:
            self._flush_late()

    def _heed(self, outcome: str, result: Result) -> None:
        """What the answer says about the provider."""
        if outcome == Outcome.AUTH:
            self.is_halted = True
            trouble.stop(self.worker.provider, result.text, _now())
        elif outcome == Outcome.THROTTLED:
            wait = 5.0 if result.retry_after is None else result.retry_after
            self._rest(result.text or "The provider asked to slow down.", max(wait, 1.0))
        elif self.worker.breaker.opens(outcome):
            self._rest(f"It refuses everything for now: {result.text}", result.retry_after)
        elif outcome in WELL and not self.worker.was_well:
            self.worker.was_well = True
            trouble.well(self.worker.provider, _now())

    def _rest(self, text: str, seconds: float | None) -> None:
        self.is_halted = True
        self.worker.was_well = False
        trouble.rest(self.worker.provider, text, _now(), seconds=seconds)

    def _judge(self, message: Claimed, outcome: str, code: str, text: str) -> None:
        result = self.unkept.hidden(Result(message.key, outcome, code, text))
        self.verdicts.append(judge(message, result, outcome, _now()))

    def _unanswered(self, outcome: str, code: str, text: str) -> None:
        for message in self.in_flight.values():
            self._judge(message, outcome, code, text)
        self.in_flight.clear()

    def _provider_trouble(self, error: ProviderTrouble) -> None:
        """What was in hand says why it waits; the rest is put back as it was."""
        at, text = _now(), self.unkept.text(str(error))
        if isinstance(error, ProviderRefused):
            trouble.stop(self.worker.provider, text, at)
            self.in_flight.clear()
            return
        until = trouble.rest(self.worker.provider, text, at, seconds=error.retry_after)
        for message in self.in_flight.values():
            self.verdicts.append(wait_for_provider(message, text, until))
        self.in_flight.clear()

    def _flush_late(self) -> None:
        """No answer stays unrecorded for long. Also called while the backend waits."""
        is_due = bool(self.verdicts) or (self.writing is not None and self.writing.done())
        if is_due and time.monotonic() - self.flushed > FLUSH_SECONDS:
            self._flush_or_halt()

    def _flush_or_halt(self) -> None:
        try:
            if self.aside.is_possible and time.monotonic() - self.settled < SETTLE_SECONDS:
                self._flush_aside()
            else:
                self._flush()
        except DatabaseError as error:
            self.fault, self.is_halted = error, True
            self.flushed = time.monotonic()  # tried again, for what is on the wire is answered

    def _flush_aside(self) -> None:
        """Begin to commit what is known, unless that is still being done with what was before."""
        is_busy = self.writing is not None and not self.writing.done()
        if is_busy and len(self.verdicts) < MOST_WAITING:
            return
        self._collect()
        if not (self.verdicts or self.events):
            return
        self.being_written = self.verdicts, self.events
        self.verdicts, self.events = [], []
        self.writing = self.aside.begin(functools.partial(self._write, *self.being_written))
        self.flushed = time.monotonic()

    def _collect(self) -> None:
        """Wait for what is being committed. What could not be is in hand again."""
        if self.writing is None:
            return
        writing, self.writing = self.writing, None
        verdicts, events = self.being_written
        try:
            writing.result()
        except BaseException:
            self.verdicts[:0], self.events[:0] = verdicts, events
            raise
        self._written(verdicts)

    def _flush(self) -> None:
        """Commit what is known; now and then let the journal forget it."""
        self._collect()
        if self.verdicts or self.events:
            self._write(self.verdicts, self.events)
            self._written(self.verdicts)
            self.verdicts, self.events = [], []
        self.flushed = time.monotonic()
        if self.flushed - self.settled >= SETTLE_SECONDS:
            self._settle()

    def _write(self, verdicts: list[Verdict], events: list[TrackingEvent]) -> None:
        if verdicts:
            crash.point("recording")
            recording.record(
                verdicts,
                worker=self.worker.name,
                provider_id=self.worker.provider.pk,
                status_ids=self.worker.table.ids,
                at=_now(),
            )
            crash.point("recorded")
        if events:
            receipts.record(self.worker.provider, events, at=_now())

    def _written(self, verdicts: list[Verdict]) -> None:
        self.lots.held.difference_update(verdict.message_id for verdict in verdicts)
        self.handled += len(verdicts)
        self.is_unsettled = True
        self.when_written()

    def _end(self) -> None:
        try:
            self._flush_at_last()
            self._settle()
            self.lots.end()
        finally:
            self.aside.close()

    def _flush_at_last(self) -> None:
        """What could not be committed aside is committed here. To do it twice does no harm."""
        try:
            self._collect()
        except DatabaseError as error:
            self.fault = error
        self._flush()

    def _settle(self) -> None:
        """Let the journal forget what is committed, once a crash of the database cannot undo it."""
        if self.is_unsettled:
            durable.force()
            self.is_unsettled = False
        self.worker.journal.settled(self.in_flight)
        self.settled = self.flushed
