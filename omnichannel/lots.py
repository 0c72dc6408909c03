"""What a worker has claimed: lot after lot, the next one fetched while the last is being sent."""

from __future__ import annotations

import datetime
import functools
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from omnichannel import claims, crash
from omnichannel.aside import Aside
from omnichannel.claimed import Claimed
from omnichannel.models import Lane
from omnichannel.screening import screen
from omnichannel.worker import Worker

AHEAD = 150  # messages before the end of a lot, the next one is fetched

_now = functools.partial(datetime.datetime.now, datetime.UTC)
Lot = tuple[Lane, Sequence[int]]  # the ids of one claim from a lane


class Taken(NamedTuple):
    """One claim as it is sent. `began`: time.monotonic() before its lease did."""

    lane: Lane
    messages: list[Claimed]
    began: float


class Lots:
    """Claims by asking `lots` for the next; loads and screens what it gives."""

    def __init__(self, worker: Worker, lots: Iterable[Lot], aside: Aside) -> None:
        self.worker = worker
        self.held: set[int] = set()  # claimed, and neither recorded nor put back
        self.screened = 0  # messages that were settled instead of being sent
        self._lots = iter(lots)
        self._aside = aside
        self._coming: Future[Taken | None] | None = None

    def next(self) -> Taken | None:
        """The next claim, screened; None when nothing may go now."""
        if self._coming is None:
            return self._take()
        coming, self._coming = self._coming, None
        return coming.result()

    def look_ahead(self, left: int) -> None:
        """Called when `left` messages of the last claim are still to be sent."""
        if left == AHEAD and self._aside.is_possible and self._coming is None:
            self._coming = self._aside.begin(self._take)

    def put_back(self, ids: Sequence[int]) -> None:
        if not ids:
            return
        # Before it is done: from then on the next lot, which may be in the making, can have them.
        self.held.difference_update(ids)
        try:
            claims.put_back(ids, self.worker.name)
        except BaseException:
            self.held.update(ids)
            raise

    def end(self) -> None:
        """Put back all that was neither sent nor recorded."""
        coming, self._coming = self._coming, None
        try:
            if coming is not None:
                coming.result()
        finally:
            self.put_back(list(self.held))

    def _take(self) -> Taken | None:
        began = time.monotonic()
        lane, ids = next(self._lots, (None, ()))
        if lane is None:
            return None
        self.held.update(ids)
        crash.point("claimed")
        good = screen(self.worker.loader.load(ids), self.worker.name, _now())
        settled = self.held.intersection(ids).difference(message.pk for message in good)
        self.held -= settled
        self.screened += len(settled)
        return Taken(lane, good, began)
