"""Work on the database beside the send loop, so that the connections are not kept waiting for it.

On PostgreSQL only: SQLite has one writer, and the loop would wait for it all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from django.db import connection, connections

Answer = TypeVar("Answer")


class Aside:
    """A thread with a connection of its own, which does one thing after the other."""

    def __init__(self) -> None:
        # Inside a transaction another connection would see nothing of it.
        self.is_possible = connection.vendor == "postgresql" and not connection.in_atomic_block
        self._pool: ThreadPoolExecutor | None = None

    def begin(self, work: Callable[[], Answer]) -> Future[Answer]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="aside")
        return self._pool.submit(work)

    def close(self) -> None:
        """Return when all is done."""
        if self._pool is not None:
            self._pool.submit(connections.close_all)
            self._pool.shutdown()
