"""Commits that do not wait for the disk (see `recording`), made to be on it."""

from __future__ import annotations

from django.db import connection


def force() -> None:
    """Return when everything that this database has committed so far is on its disk.

    A commit that writes something waits for all before it. On SQLite there is nothing to do: what
    was committed outlives every process, and a machine that went down is told by the journal.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_logical_emit_message(true, 'omnichannel', '')")
