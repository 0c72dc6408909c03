"""May this database send? A restored backup or a copy may not, until an operator has said so.

Its messages that wait may long have gone, from the database as it was or from the other copy.
`is_held` is asked before every claim and costs a comparison: each process looks every few seconds.
"""

from __future__ import annotations

import datetime
import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from omnichannel import place, witness
from omnichannel.models import Installation, Message
from omnichannel.models.installation import ONLY
from omnichannel.place import Place
from omnichannel.witness import Memory, Seen

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
COUNT_SECONDS = 3  # two processes that look one after the other count once
# A standby that is promoted may lack the last transactions of the server that is gone.
LAG_SECONDS = 60
SHOWN_KEY, DOUBT_KEY = "installation:held", "installation:doubtful"
SHOWN_SECONDS = 3

MOVED = (
    "This is not the database that was confirmed last: {0}. If another copy of it still sends, or "
    "if messages went out after this copy was made, what waits here would go a second time."
)
OLDER = (
    "An older backup was put in place of the database: its last sign of activity is of {0} UTC, "
    "and this host has seen one of {1} UTC. What was sent in between is not known to it and would "
    "go a second time."
)
FOREIGN = (
    "The database of another installation was here before. What waits in this one may be sent by "
    "a copy of it elsewhere, or have been sent already, and would go a second time."
)


@dataclass
class Known:
    """What this process knows of it. None: it has not looked yet."""

    is_held: bool | None = None
    until: float = 0.0  # time.monotonic()
    lock: threading.Lock = field(default_factory=threading.Lock)


known = Known()


def is_held() -> bool:
    """True: nothing may be claimed, and nothing may start by itself.

    Raises DatabaseError when it is time to look and the database cannot be asked.
    """
    if known.is_held is None:
        with known.lock:
            if known.is_held is None:
                _look_now()
    elif time.monotonic() >= known.until and known.lock.acquire(blocking=False):
        try:
            _look_now()
        finally:
            known.lock.release()
    return bool(known.is_held)


def _look_now() -> None:
    is_held = look(timezone.now(), is_first=known.is_held is None)
    known.is_held, known.until = is_held, time.monotonic() + LOOK_SECONDS


def look(at: datetime.datetime, *, is_first: bool = True) -> bool:
    """Compare the database with what it was and with what this host remembers, and hold it or
    count on. The first look of a process always counts. Answers whether it is held.
    """
    # Recalled before the row is read: another process may be counting, and the row comes first.
    memory = witness.recall()
    here = place.here()
    row = Installation.objects.filter(pk=ONLY).first() or _adopt(here, memory, at)
    if row.held_since is None and (reason := _doubt(row, here, memory)):
        _hold(reason, at)
        return True
    if row.held_since is not None:
        return True
    if not connection.in_atomic_block:  # what is rolled back must not be remembered
        _count(row, here, at, is_first=is_first)
    return False


def _adopt(here: Place, memory: Memory, at: datetime.datetime) -> Installation:
    """The first look at a new database, or at one from before there were installations."""
    before = memory.addresses.get(here.address)
    # All at once: another process that looks before a second statement would find a stranger.
    former = [before] if before else []
    fields: dict[str, Any] = {"place": here.facts, "former": former}
    fields |= {"counter": _seconds(at), "confirmed_at": at}
    if before and Message.objects.exists():
        # It had a row when this host last looked: it is a backup from before that.
        fields |= {"held_since": at, "held_reason": FOREIGN}
    return Installation.objects.get_or_create(pk=ONLY, defaults=fields)[0]


def _doubt(row: Installation, here: Place, memory: Memory) -> str:
    """Why this database may not be the one that sends; empty when nothing speaks against it."""
    if difference := place.difference(row.place, here.facts):
        return MOVED.format(difference)
    name = str(row.uuid)
    seen = memory.installations.get(name)
    if seen and row.counter + _lag(seen, here) < seen.counter:
        return OLDER.format(_moment(row.counter), _moment(seen.counter))
    if memory.addresses.get(here.address, name) not in (name, *row.former):
        return FOREIGN
    return ""


def _lag(seen: Seen, here: Place) -> int:
    was_promoted = seen.timeline and here.timeline and here.timeline != seen.timeline
    return LAG_SECONDS if was_promoted else 0


def _hold(reason: str, at: datetime.datetime) -> None:
    mine = Installation.objects.filter(pk=ONLY, held_since=None)
    if mine.update(held_since=at, held_reason=reason, is_releasing=False):
        logger.error("Sending is held. %s", reason)
        changed()


def _count(row: Installation, here: Place, at: datetime.datetime, *, is_first: bool) -> None:
    now = _seconds(at)
    counter = row.counter
    if is_first or not now - COUNT_SECONDS <= counter <= now:
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":  # a crash must not take it back
                cursor.execute("SET LOCAL synchronous_commit TO on")
            mine = Installation.objects.filter(pk=ONLY, uuid=row.uuid, held_since=None)
            if not mine.update(counter=Greatest(F("counter") + 1, Value(now))):
                return  # held or renamed just now
            counter = mine.values_list("counter", flat=True).get()
    # After the commit, so that the database is never behind what is remembered of it.
    witness.remember(str(row.uuid), here.address, Seen(counter, here.timeline))


def _seconds(at: datetime.datetime) -> int:
    return int(at.timestamp())


def _moment(counter: int) -> str:
    return f"{datetime.datetime.fromtimestamp(counter, datetime.UTC):%Y-%m-%d %H:%M:%S}"


def changed() -> None:
    """What this process shows of it is looked up afresh."""
    cache.delete_many((SHOWN_KEY, DOUBT_KEY))


def held() -> Installation | None:
    """The row while sending is held, else None. It may be some seconds old: every page asks."""
    row = cache.get(SHOWN_KEY)
    if row is None:
        row = Installation.objects.filter(pk=ONLY, held_since__isnull=False).first() or ""
        cache.set(SHOWN_KEY, row, SHOWN_SECONDS)
    return row or None


def doubtful_before() -> datetime.datetime | None:
    """Messages queued before this moment (UTC) are never sent again by themselves."""
    found: datetime.datetime | None = cache.get_or_set(DOUBT_KEY, _doubtful_before, SHOWN_SECONDS)
    return found


def _doubtful_before() -> datetime.datetime | None:
    return Installation.objects.values_list("doubtful_before", flat=True).filter(pk=ONLY).first()
