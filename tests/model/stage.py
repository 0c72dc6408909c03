"""The product's own workers, moved step by step like those of the model in `bfs`.

Each worker runs in a greenlet of its own and stands still at every crash point.
"""

from __future__ import annotations

import datetime
import math
from unittest import mock

import greenlet
from django.db import connection

from omnichannel import journal, recovery
from omnichannel.backends.base import OutgoingMessage
from omnichannel.batch import Batch
from omnichannel.choices import EventType, Outcome
from omnichannel.claims import claim
from omnichannel.delivery import never
from omnichannel.models import Lane, Message
from omnichannel.worker import Worker
from tests.factories import make_provider
from tests.model import bfs
from tests.model.ledger import HandOver
from tests.model.mortal import ROLLS_BACK, Killed, journals
from tests.model.wire import Act, Wire
from tests.model.world import World

LONG = 301.0  # seconds: over a lease, a batch and Pool Time Retry
ANSWER = {Outcome.ACCEPTED: "ok", Outcome.TEMPORARY: "busy"}


class Puppet(greenlet.greenlet):
    """One worker with one batch. `point` is where it stands."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(self._work)
        self.stage = stage
        self.point = ""
        self.name = ""
        self.seconds = stage.seconds
        self.is_killed = False
        self.is_lost = False

    def _work(self) -> None:
        lane = Lane.objects.select_related("provider").get()
        lane.cursor = 0  # a hint only, which the model does not know
        with Worker(lane.provider) as worker:
            self.name = worker.name
            ids = claim(lane, bfs.BULK, worker.name)
            Batch(worker, [(lane, ids)], never).send()

    def stand(self, point: str) -> None:
        if not self.is_killed:
            self.point = point
            self.stage.main.switch()
        if self.is_killed:
            raise Killed

    def kill(self) -> None:
        """It unwinds; what it does meanwhile is undone."""
        before, self.is_killed = journals(), True
        while not self.dead:
            try:
                self.switch()
            except Killed:
                break
        for path, content in before.items():
            path.write_bytes(content)


class Stage(World):
    """The real counterpart of a `bfs.State`."""

    def __init__(self, messages: int, policy: str) -> None:
        self.main = greenlet.getcurrent()
        self.puppets: list[Puppet | None] = [None] * bfs.WORKERS
        self.leases_ended = False
        super().__init__()
        self._open.enter_context(connection.execute_wrapper(self._statement))
        self._open.enter_context(mock.patch.object(journal, "LATE_SECONDS", -math.inf))
        self.provider = make_provider(
            backend=Wire.slug,
            on_uncertain=policy,
            retry_max_attempt=bfs.RETRIES,
            pool_time_retry=datetime.timedelta(minutes=5),
        )
        for _ in range(messages):
            self.queue()
        self.keys = [str(message.key) for message in self.messages()]

    def passed(self, point: str) -> None:
        current = greenlet.getcurrent()
        if isinstance(current, Puppet):
            current.stand(point)

    def take(self, message: OutgoingMessage) -> HandOver:
        """Without a check: the model holds its own promises."""
        return self.ledger.take(message, self.at)

    def _statement(self, execute, sql, *rest):
        current = greenlet.getcurrent()
        if isinstance(current, Puppet) and current.is_killed and not sql.startswith(ROLLS_BACK):
            raise Killed
        return execute(sql, *rest)

    def monotonic(self) -> float:
        current = greenlet.getcurrent()
        return 1000.0 + (current.seconds if isinstance(current, Puppet) else self.seconds)

    # --- Steps --------------------------------------------------------------------------------

    def step(self, name: str, number: int) -> None:
        """The same step as in the model."""
        if name == "claim":
            self.puppets[number] = Puppet(self)
        if name in ("ok", "busy"):
            self.acts = iter([Act(name)])
        if name == "note and flush":
            self.puppets[number].seconds += 1
        if name in bfs.WORK:
            self._move(number)
        elif name == "report":
            self.report(self.keys[number], EventType.DELIVERED)
        elif name.startswith("time passes"):
            self._time_passes()
        else:
            getattr(self, name.replace(" ", "_"))(number)

    def _move(self, number: int) -> None:
        self.puppets[number].switch()
        if self.puppets[number].dead:
            self.puppets[number] = None

    def die(self, number: int) -> None:
        self.puppets[number].kill()

    def lose_the_journal(self, number: int) -> None:
        self._journal(number).unlink()
        self.puppets[number].is_lost = True

    def lose_power(self, lines: int) -> None:
        self.boot += 1
        for number, puppet in enumerate(self.puppets):
            if puppet is None or self._journal(number) is None:
                continue
            if not puppet.dead:
                puppet.kill()
            if not lines & (1 << number):
                self._journal(number).write_bytes(b"")

    def recover(self, _: int) -> None:
        recovery.recover(self.at)
        self._bury(with_lost=False)

    def _time_passes(self) -> None:
        self.wait(seconds=LONG)
        for puppet in self.puppets:
            if puppet is not None:
                puppet.seconds += LONG
        self.leases_ended |= Message.objects.filter(status="sending").exists()
        self.end_leases()
        recovery.recover(self.at)
        recovery.promote(self.at)
        self._bury(with_lost=True)

    def _bury(self, *, with_lost: bool) -> None:
        """Who was recovered needs no place any more; a claim without a journal waits for time."""
        for number, puppet in enumerate(self.puppets):
            if puppet is not None and puppet.dead and (with_lost or not puppet.is_lost):
                assert self._journal(number) is None
                self.puppets[number] = None

    def _journal(self, number: int):
        name = self.puppets[number].name
        return next((path for path in journals() if path.name.startswith(f"{name}.")), None)

    # --- What there is ------------------------------------------------------------------------

    def picture(self) -> tuple:
        """(status, owner, wires, taken) of each message; (stage, journal) of each worker."""
        # Not `if puppet`: a greenlet that has ended is false.
        names = ["" if puppet is None else puppet.name for puppet in self.puppets]
        rows = [
            (
                row.status,
                names.index(row.claimed_by) if row.status == "sending" else -1,
                len(self.ledger.of[str(row.key)]),
                self.ledger.accepts(str(row.key)),
            )
            for row in self.messages()
        ]
        return rows, [self._worker(number) for number in range(bfs.WORKERS)]

    def attempts(self) -> list[int]:
        return [row.attempts for row in self.messages()]

    def _worker(self, number: int) -> tuple | None:
        puppet = self.puppets[number]
        if puppet is None:
            return None
        path = self._journal(number)
        if path is None:
            return "gone", {}
        lines = {
            self.keys.index(key): ANSWER[answer.outcome] if answer else bfs.UNKNOWN
            for key, answer in journal._read(path).items()
        }
        return ("dead" if puppet.dead else puppet.point), lines

    def close(self) -> None:
        for puppet in self.puppets:
            if puppet is not None and not puppet.dead:
                puppet.kill()
        super().close()
