"""One-time passwords are sent by whoever is there.

Where one Celery worker serves all queues, every process of its pool can be busy with a campaign
or an import for a minute, and the tick that would send a code waits behind them in the broker. So
each of them looks for codes beside its own work. It costs a query of 0.1 ms five times a second.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator

from django.db import DatabaseError, connection, connections

from omnichannel.lifecycle import stop_requested

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
# By the partial index of what is ready, one lane after the other: however much waits elsewhere.
_READY = """
    SELECT 1 FROM omnichannel_lane
    WHERE category = 'otp' AND EXISTS (
        SELECT 1 FROM omnichannel_message
        WHERE status = 'new' AND lane_id = omnichannel_lane.id LIMIT 1
    ) AND NOT EXISTS (SELECT 1 FROM omnichannel_installation WHERE held_since IS NOT NULL)
    LIMIT 1
"""


@contextlib.contextmanager
def attended(send: Callable[[], object]) -> Iterator[None]:
    """While the block runs, `send` is called beside it, in a thread, when a code is waiting."""
    done = threading.Event()
    thread = threading.Thread(target=_attend, args=(send, done), name="urgent", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()  # nothing may be on the wire when the process is told to end


def _attend(send: Callable[[], object], done: threading.Event) -> None:
    try:
        while not done.wait(LOOK_SECONDS) and not stop_requested():
            _look(send)
    finally:
        connections.close_all()


def _look(send: Callable[[], object]) -> None:
    try:
        if is_waiting():
            send()
    except DatabaseError:
        logger.exception("Cannot look for one-time passwords")
        connections.close_all()


def is_waiting() -> bool:
    """A one-time password is ready, nobody has taken it, and sending is not held."""
    with connection.cursor() as cursor:
        cursor.execute(_READY)
        return cursor.fetchone() is not None
