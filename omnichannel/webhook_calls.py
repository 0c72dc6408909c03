"""The calls to other systems: due deliveries are posted, several webhooks at once.

Threads call, and only call; the tick's own thread reads and writes the rows. A webhook has one
line; one that answers quickly gets some more. So a slow one holds up nobody but itself.
"""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from django.conf import settings

from omnichannel import webhook_rows, webhook_signing
from omnichannel.backends.outside import Resolver
from omnichannel.backends.outside_line import SECONDS, NoAnswer, OutsideLine, Target
from omnichannel.exceptions import OmnichannelError
from omnichannel.models import OutgoingWebhook
from omnichannel.webhook_rows import Taken, Told
from omnichannel.webhook_verdicts import Verdict, judge, judge_silence

THREADS = 32
LINES = 4  # of one webhook that answers quickly
BATCH = 20
BATCH_SECONDS = 2.0  # then what is left of a batch is given back
QUICK_SECONDS = 0.5  # for one call
IDLE_SECONDS = 0.5  # until a webhook that had nothing is asked again

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Line:
    """One connection to a webhook, and how long a call over it took."""

    webhook: int
    outside: OutsideLine
    seconds: float = 0.0


@dataclass(eq=False)
class Batch:
    webhook: OutgoingWebhook
    line: Line
    taken: list[Taken]


@dataclass
class Round:
    """The calls of one tick."""

    at: datetime.datetime
    until: float  # time.monotonic()
    stopped: Callable[[], bool]
    resolve: Resolver | None = None
    calls: int = 0
    began: float = field(default_factory=time.monotonic)
    lines: list[Line] = field(default_factory=list)
    busy: dict[Future[list[Told]], Batch] = field(default_factory=dict)
    idle_until: dict[int, float] = field(default_factory=dict)

    def now(self) -> datetime.datetime:
        return self.at + datetime.timedelta(seconds=time.monotonic() - self.began)

    def run(self) -> int:
        with ThreadPoolExecutor(THREADS, thread_name_prefix="webhook") as pool:
            while self._begin(pool) or self.busy:
                done, _ = wait(self.busy, timeout=IDLE_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    self._end(future)
        for line in self.lines:
            line.outside.close()
        return self.calls

    def _begin(self, pool: ThreadPoolExecutor) -> bool:
        """Give every free line its next batch; False when there was none."""
        if self.stopped() or time.monotonic() >= self.until:
            return False
        has_begun = False
        for webhook in OutgoingWebhook.objects.working().order_by("last_call_at"):
            for line in self._free_lines(webhook):
                if len(self.busy) >= THREADS or not self._call(pool, webhook, line):
                    break
                has_begun = True
        return has_begun

    def _call(self, pool: ThreadPoolExecutor, webhook: OutgoingWebhook, line: Line) -> bool:
        """Send a batch on its way over this line; False when nothing is due."""
        taken = webhook_rows.take(webhook.pk, BATCH, self.now())
        if not taken:
            self.idle_until[webhook.pk] = time.monotonic() + IDLE_SECONDS
            return False
        batch = Batch(webhook, line, taken)
        self.busy[pool.submit(call_all, batch, self.now)] = batch
        return True

    def _free_lines(self, webhook: OutgoingWebhook) -> list[Line]:
        is_resting = webhook.rests_until is not None and webhook.rests_until > self.now()
        if is_resting or time.monotonic() < self.idle_until.get(webhook.pk, 0):
            return []
        here = (webhook.pk, webhook.url)  # it may have moved
        mine = [line for line in self.lines if (line.webhook, line.outside.target.url) == here]
        at_work = {id(batch.line) for batch in self.busy.values()}
        is_quick = bool(mine) and all(0 < line.seconds < QUICK_SECONDS for line in mine)
        wanted = LINES if is_quick and not webhook.failures else 1
        while len(mine) < wanted:
            target = target_of(webhook, self.resolve)
            mine.append(Line(webhook.pk, OutsideLine(target), mine[0].seconds if mine else 0.0))
            self.lines.append(mine[-1])
        return [line for line in mine[:wanted] if id(line) not in at_work]

    def _end(self, future: Future[list[Told]]) -> None:
        batch = self.busy.pop(future)
        try:
            told = future.result()
        except Exception:  # it is called again when the lease is over
            logger.exception("Outgoing webhook %s could not be called", batch.webhook)
            return
        self.calls += len(told)
        called = {each.taken.pk for each in told}
        untold = [taken for taken in batch.taken if taken.pk not in called]
        webhook_rows.settle(told, untold, self.now())
        webhook_rows.heed(batch.webhook, told)


def call_due(
    at: datetime.datetime,
    until: float,
    stopped: Callable[[], bool],
    *,
    resolve: Resolver | None = None,
) -> int:
    """Call what is due until nothing is or `until` (time.monotonic()) has come; answer how many
    calls that were. Any number of workers may do this at once.
    """
    return Round(at, until, stopped, resolve).run()


def target_of(webhook: OutgoingWebhook, resolve: Resolver | None = None) -> Target:
    return Target(webhook.url, settings.WEBHOOK_ALLOW_PRIVATE, resolve)


def call_all(batch: Batch, now: Callable[[], datetime.datetime]) -> list[Told]:
    """Call for one delivery after the other; the first that is not taken ends it."""
    began, told = time.monotonic(), []
    for taken in batch.taken:
        at = now()
        verdict = call(batch.webhook, batch.line.outside, taken.event_id, taken.body, at)
        told.append(Told(taken, verdict, at))
        if not verdict.is_taken or time.monotonic() - began > BATCH_SECONDS:
            break
    batch.line.seconds = (time.monotonic() - began) / len(told)
    return told


def call(
    webhook: OutgoingWebhook,
    line: OutsideLine,
    event_id: str,
    body: str,
    at: datetime.datetime,
    *,
    seconds: float = SECONDS,
) -> Verdict:
    """One call. Whatever goes wrong is a verdict."""
    data = body.encode()
    try:
        headers = webhook_signing.headers(event_id, data, webhook.secrets_at(at), at)
        return judge(line.post(headers, data, seconds=seconds))
    except NoAnswer as error:
        return judge_silence(error)
    except OmnichannelError as error:  # a secret that cannot be read
        return Verdict(is_taken=False, code="secret", answer=str(error))
