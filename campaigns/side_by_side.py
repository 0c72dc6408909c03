"""Two writers of one run on PostgreSQL, each with a connection of its own, so that a second core
helps. Their pages are written at the same time and committed one after the other.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from django.db import DatabaseError, OperationalError, connection

WRITERS = 2
LOCK = 0x53505244  # the first half of the advisory lock; the second is the job's id
# Two pages with an address in common wait for one another's end: then one after the other.
PATIENCE = "2s"
LOCK_NOT_AVAILABLE, DEADLOCK = "55P03", "40P01"


class HasLast(Protocol):
    @property
    def last(self) -> int: ...


P = TypeVar("P", bound=HasLast)


class Order:
    """Hands out the pages of a run, and lets each be committed after the one before it."""

    def __init__(self, cursor: int) -> None:
        self._planned = cursor
        self._committed = cursor
        self._is_broken = False
        self._change = threading.Condition()

    def plan(self, next_page: Callable[[int], P | None]) -> P | None:
        """The next page for this writer; None when there is none or another could not commit."""
        with self._change:
            page = None if self._is_broken else next_page(self._planned)
            if page is not None:
                self._planned = page.last
            return page

    def wait_for(self, first: int) -> bool:
        """Wait until all before `first` is committed. False: it never will be."""
        with self._change:
            self._change.wait_for(lambda: self._is_broken or self._committed == first)
            return not self._is_broken

    @contextlib.contextmanager
    def page(self, last: int) -> Iterator[threading.Event]:
        """Around the transaction of a page, which sets the event if it wants to be committed."""
        wanted = threading.Event()
        try:
            yield wanted
        except BaseException:
            wanted.clear()
            raise
        finally:
            self._end(last if wanted.is_set() else None)

    def give_up(self) -> None:
        """Let nobody wait for a page that will not come."""
        self._end(None)

    def _end(self, committed: int | None) -> None:
        with self._change:
            self._is_broken = self._is_broken or committed is None
            self._committed = self._committed if committed is None else committed
            self._change.notify_all()


def write(pages: Callable[[Order], None], cursor: Callable[[], int]) -> None:
    """Let as many writers write `pages` as are of use here, from the `cursor` on."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        order = Order(cursor())
        with ThreadPoolExecutor(WRITERS, "writer") as pool:
            asked = [pool.submit(_as_writer, pages, order) for _ in range(WRITERS)]
        failed = [error for writer in asked if (error := writer.exception()) is not None]
        if not failed:
            return
        for error in failed:
            if not _is_impatience(error):
                raise error
    pages(Order(cursor()))


def _as_writer(pages: Callable[[Order], None], order: Order) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [PATIENCE])
        pages(order)
    except BaseException:
        order.give_up()
        raise
    finally:
        connection.close()


def _is_impatience(error: BaseException) -> bool:
    """It waited for the other writer, or both did for one another."""
    state = getattr(error.__cause__, "sqlstate", "")
    return isinstance(error, OperationalError) and state in (LOCK_NOT_AVAILABLE, DEADLOCK)


@contextlib.contextmanager
def only_writer(job_id: int) -> Iterator[bool]:
    """Is no other process writing this job? SQLite has one writer at a time as it is."""
    if connection.vendor != "postgresql":
        yield True
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK, job_id % 2**31])
        (is_ours,) = cursor.fetchone()
    try:
        yield is_ours
    finally:
        if is_ours:
            with contextlib.suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, job_id % 2**31])
