"""A worker, and one batch of claimed messages on its way through a backend."""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType

from django.db import DatabaseError
from django.utils import timezone

from omnichannel import claims, crash, lanes, recording, tracking, trouble
from omnichannel.backends.base import OutgoingMessage, Result
from omnichannel.choices import Outcome
from omnichannel.exceptions import (
    InvalidMessage,
    ProviderRefused,
    ProviderTrouble,
    SendError,
    TemplateError,
)
from omnichannel.journal import Journal
from omnichannel.models import ChannelProvider, Job, Lane, Message, TemplateVersion
from omnichannel.outgoing import backend_of, outgoing
from omnichannel.screening import is_timely, screen
from omnichannel.status_table import StatusTable
from omnichannel.verdicts import Verdict, judge, wait_for_provider

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 0.1
FLUSH_ROWS = 500
LOOK_SECONDS = 0.5  # how often a running batch looks whether it was paused
BATCH_SECONDS = 60.0  # after which the rest of a batch is put back, well inside the lease


class Worker:
    """Who sends through one provider: its name, its journal, its connection, its code table.

    A context manager: when it is left by an error, its journal stays behind and tells `recover`
    what became of the messages that it had. Raises InvalidMessage when the provider's type does
    not exist.
    """

    def __init__(self, provider: ChannelProvider) -> None:
        self.provider = provider
        self.backend = backend_of(provider)
        self.table = StatusTable(provider, self.backend)
        self.journal = Journal()
        self.name = self.journal.worker
        self.was_well = False
        self.jobs: dict[int, Job] = {}
        self.versions: dict[int, TemplateVersion] = {}

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.backend.close()
        finally:
            if kind is None:
                self.journal.close()
            else:
                self.journal.leave()

    def load(self, ids: Sequence[int]) -> list[Message]:
        """The messages with what rendering needs; jobs and versions are read once per worker."""
        rows = list(Message.objects.filter(pk__in=ids).order_by("pk"))
        self._know(rows)
        for row in rows:
            row.provider = self.provider
            if row.job_id:
                row.job = self.jobs[row.job_id]
            if row.template_version_id:
                row.template_version = self.versions[row.template_version_id]
        return rows

    def _know(self, rows: Sequence[Message]) -> None:
        jobs = {row.job_id for row in rows if row.job_id} - self.jobs.keys()
        self.jobs.update(Job.objects.in_bulk(jobs))
        found = {row.template_version_id for row in rows if row.template_version_id}
        missing = found - self.versions.keys()
        versions = TemplateVersion.objects.select_related("template").in_bulk(missing)
        self.versions.update(versions)


class Batch:
    """Claimed messages: each ends recorded, or put back if it was never handed over."""

    def __init__(
        self, worker: Worker, lane: Lane, ids: Sequence[int], stopped: Callable[[], bool]
    ) -> None:
        self.worker = worker
        self.lane = lane
        self.ids = ids
        self.stopped = stopped
        self.in_flight: dict[str, Message] = {}
        self.verdicts: list[Verdict] = []
        self.results: list[Result] = []
        self.settled: set[int] = set()
        self.started = self.flushed = self.looked = time.monotonic()
        self.paused = False

    def send(self) -> int:
        """Send the batch; answer how many messages were settled."""
        crash.point("claimed")
        messages = self.worker.load(self.ids)
        good = screen(messages, self.worker.name, timezone.now())
        self.settled = {row.pk for row in messages} - {row.pk for row in good}
        try:
            for result in self.worker.backend.deliver(self._feed(good)):
                self._answered(result)
        except ProviderTrouble as error:
            self._provider_trouble(error)
        except SendError as error:
            self._unanswered(error.outcome, error.code, str(error))
        finally:
            # A fault in a backend's code leaves what it had in hand uncertain, nothing lost.
            self._unanswered(Outcome.UNKNOWN, "", "The backend gave no result.")
            self._flush()
            self._put_back()
        return len(self.settled)

    def _feed(self, messages: Sequence[Message]) -> Iterator[OutgoingMessage]:
        for message in messages:
            at = timezone.now()
            if not self._go_on(at):
                return
            ready = self._made(message) if is_timely(message, at) else None
            if ready is None:
                continue
            self.worker.journal.handed(ready.key)
            self.in_flight[ready.key] = message
            crash.point("handed")
            yield ready

    def _made(self, message: Message) -> OutgoingMessage | None:
        """The message as the backend takes it; None when it cannot be made, which is judged."""
        try:
            return outgoing(message, self.worker.backend.config)
        except (TemplateError, InvalidMessage) as error:
            self._judge(message, Outcome.REJECTED, "", str(error))
        except DatabaseError:
            raise
        except Exception as error:
            # Its own fault or a passing one: it is tried again, and its lane goes on.
            logger.exception("Message %s cannot be made", message.pk)
            text = f"It could not be made ({type(error).__name__}): the log has the details."
            self._judge(message, Outcome.TEMPORARY, "", text)
        return None

    def _go_on(self, at: datetime.datetime) -> bool:
        now = time.monotonic()
        if self.paused or self.stopped() or now - self.started > BATCH_SECONDS:
            return False
        if now - self.looked > LOOK_SECONDS:
            self.looked = now
            self.paused = not lanes.is_free(self.lane, at)
        return not self.paused and lanes.in_window(self.lane, at)

    def _answered(self, result: Result) -> None:
        crash.point("answered")
        self.worker.journal.answered(result)
        outcome = self.worker.table.outcome_of(result)
        # In hand until its verdict is kept: whatever fails here must not put it back.
        message = self.in_flight[result.key]
        if outcome != Outcome.AUTH:
            self.verdicts.append(judge(message, result, outcome, timezone.now()))
            self.results.append(result)
        del self.in_flight[result.key]
        self._heed(outcome, result)
        if time.monotonic() - self.flushed > FLUSH_SECONDS or len(self.verdicts) >= FLUSH_ROWS:
            self._flush()

    def _heed(self, outcome: str, result: Result) -> None:
        """What the answer says about the provider."""
        if outcome == Outcome.AUTH:
            self.paused = True
            trouble.stop(self.worker.provider, result.text, timezone.now())
        elif outcome == Outcome.THROTTLED:
            self._slow_down(result)
        elif not self.worker.was_well:
            self.worker.was_well = True
            trouble.well(self.worker.provider)

    def _slow_down(self, result: Result) -> None:
        self.paused = True
        self.worker.was_well = False
        text = result.text or "The provider asked to slow down."
        seconds = result.retry_after if result.retry_after is not None else 5.0
        trouble.rest(self.worker.provider, text, timezone.now(), seconds=max(seconds, 1.0))

    def _judge(self, message: Message, outcome: str, code: str, text: str) -> None:
        result = Result(str(message.key), outcome, code, text)
        self.verdicts.append(judge(message, result, outcome, timezone.now()))

    def _unanswered(self, outcome: str, code: str, text: str) -> None:
        for message in self.in_flight.values():
            self._judge(message, outcome, code, text)
        self.in_flight.clear()

    def _provider_trouble(self, error: ProviderTrouble) -> None:
        """What was in hand says why it waits; the rest is put back as it was."""
        at = timezone.now()
        if isinstance(error, ProviderRefused):
            trouble.stop(self.worker.provider, str(error), at)
            self.in_flight.clear()
            return
        until = trouble.rest(self.worker.provider, str(error), at, seconds=error.retry_after)
        for message in self.in_flight.values():
            self.verdicts.append(wait_for_provider(message, str(error), until))
        self.in_flight.clear()

    def _flush(self) -> None:
        """Commit what is known, then forget it: the journal is emptied when nothing is in hand."""
        self.flushed = time.monotonic()
        if self.verdicts:
            crash.point("recording")
            recording.record(
                self.verdicts,
                worker=self.worker.name,
                provider_id=self.worker.provider.pk,
                status_ids=self.worker.table.ids,
                at=timezone.now(),
            )
            self.settled.update(verdict.message_id for verdict in self.verdicts)
            self.verdicts.clear()
            crash.point("recorded")
        self._told()
        if not self.in_flight:
            self.worker.journal.empty()

    def _told(self) -> None:
        events = [event for result in self.results for event in result.events]
        self.results.clear()
        if events:
            tracking.record(self.worker.provider, events, at=timezone.now())

    def _put_back(self) -> None:
        left = [pk for pk in self.ids if pk not in self.settled]
        if left:
            claims.put_back(left, self.worker.name)
