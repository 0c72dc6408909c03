"""Queues that PostgreSQL takes by the index which has their order, whatever it supposes of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.db import connection, transaction


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Statements in this block take the next rows of a queue from an index, one after the other.

    A queue's statistics are of a moment when it was shorter. By them the server gathers all that
    is due and sorts it, for every thousand anew: a long queue then takes the square of its length.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off")
        yield
        cursor.execute("SET LOCAL enable_sort = on")
