"""Work that one process at a time does for all, so that the others have time for other work."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.db import DatabaseError, connection

LOCK = 0x4F4D4E49  # the first half of the advisory lock; the second is the work
RECEIPTS = 1


@contextlib.contextmanager
def alone(work: int) -> Iterator[bool]:
    """Is no other process at it? One that dies lets go. On SQLite one writes at a time as it is."""
    if connection.vendor != "postgresql":
        yield True
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK, work])
        (is_ours,) = cursor.fetchone()
    try:
        yield is_ours
    finally:
        if is_ours:
            with contextlib.suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, work])
