"""How fast ready messages are claimed: from a small table, from a large one, beside a reader."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
from django.db import connection

from omnichannel.benchmarks.base import BenchOptions, Figure
from omnichannel.benchmarks.many_rows import write_rows
from omnichannel.choices import Category, MessageStatus
from omnichannel.claims import claim
from omnichannel.models import ChannelProvider, Lane, Message

NAME = "claim"
N = 1_000_000
READY = 10_000
BATCH = 500
ROUNDS = 5
DRAIN = 500_000  # rows that are claimed beside a reader; of `n`, if that is less
FIFTH = 5  # the first and the last fifth are compared: 100,000 rows each


class Spent(NamedTuple):
    """Seconds, and CPU seconds with the database server's own share: true on a busy machine."""

    wall: float
    cpu: float


def run(options: BenchOptions) -> Iterator[Figure]:
    """Rows per second at 10,000 rows and at `n`, and the second as a share of the first.

    Then how a claim slows down while a long transaction keeps the rows of before.
    """
    lane = _lane()
    write_rows(lane, READY, MessageStatus.NEW)
    small = _best(lane)
    yield Figure("claim.rows_per_s_at_10k", READY / small.wall, "rows/s", READY)
    began = time.monotonic()
    write_rows(lane, max(0, options.n - READY), MessageStatus.SENT)
    yield Figure("claim.fill_seconds", time.monotonic() - began, "s", options.n)
    large = _best(lane)
    rate = READY / large.wall
    yield Figure(f"claim.rows_per_s_at_{_short(options.n)}", rate, "rows/s", options.n)
    yield Figure("claim.ratio_large_to_small", small.wall / large.wall, "x", options.n)
    yield Figure("claim.cpu_ratio_large_to_small", small.cpu / large.cpu, "x", options.n)
    yield from _decay(min(DRAIN, options.n))


def _clock() -> Spent:
    return Spent(time.monotonic(), time.process_time() + _server_seconds())


def _server_seconds() -> float:
    """CPU time so far of this connection's server process; 0 where it cannot be seen."""
    if connection.vendor != "postgresql":
        return 0.0
    connection.ensure_connection()
    stat = Path(f"/proc/{connection.connection.info.backend_pid}/stat")
    if not stat.exists():
        return 0.0
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _lane(priority: int = 2) -> Lane:
    provider, _ = ChannelProvider.objects.get_or_create(name="Bench", backend="sandbox")
    return Lane.objects.create(provider=provider, category=Category.PROMOTIONAL, priority=priority)


def _best(lane: Lane) -> Spent:
    """For all ready rows, claimed in batches; the best of several rounds."""
    rounds = []
    for _ in range(ROUNDS):
        began = _clock()
        while claim(Lane.objects.get(pk=lane.pk), BATCH, "bench"):
            pass
        ended = _clock()
        rounds.append(Spent(ended.wall - began.wall, ended.cpu - began.cpu))
        Message.objects.filter(lane=lane, status=MessageStatus.SENDING).update(
            status=MessageStatus.NEW
        )
        Lane.objects.filter(pk=lane.pk).update(cursor=0)
    return Spent(min(r.wall for r in rounds), max(0.01, min(r.cpu for r in rounds)))


def _decay(count: int) -> Iterator[Figure]:
    """The last fifth of a drain against its first; what is claimed is sent, as in a campaign."""
    lane = _lane(priority=3)
    write_rows(lane, count, MessageStatus.NEW)
    fifth = count // FIFTH
    with _long_reader():
        parts = [_drain(lane, fifth) for _ in range(FIFTH)]
    first, last = parts[0], parts[-1]
    yield Figure("claim.first_under_reader_per_s", fifth / first.wall, "rows/s", fifth, first.wall)
    yield Figure("claim.last_under_reader_per_s", fifth / last.wall, "rows/s", fifth, last.wall)
    yield Figure("claim.decay_under_reader", first.wall / last.wall, "last / first", count)
    yield Figure("claim.cpu_decay_under_reader", first.cpu / last.cpu, "last / first", count)


def _drain(lane: Lane, count: int) -> Spent:
    """What claiming `count` rows takes; what is done with them is not counted."""
    wall, cpu, claimed = 0.0, 0.01, 0
    while claimed < count:
        began = _clock()
        ids = claim(Lane.objects.get(pk=lane.pk), BATCH, "bench")
        ended = _clock()
        wall, cpu = wall + ended.wall - began.wall, cpu + ended.cpu - began.cpu
        claimed += len(ids)
        if not ids:
            raise RuntimeError("Nothing is left to claim.")
        Message.objects.filter(pk__in=ids).update(
            status=MessageStatus.SENT, claimed_by="", lease_until=None
        )
    return Spent(wall, cpu)


@contextlib.contextmanager
def _long_reader() -> Iterator[None]:
    """Somebody who began to read and does not end: no row of before may be cleaned away."""
    settings = connection.settings_dict
    if connection.vendor == "postgresql":
        reader = psycopg.connect(**connection.get_connection_params())
        with reader, reader.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT count(*) FROM omnichannel_lane")
            yield
        reader.close()
        return
    with contextlib.closing(sqlite3.connect(settings["NAME"], isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM omnichannel_lane").fetchone()
        yield
        other.execute("COMMIT")


def _short(count: int) -> str:
    return f"{count // 1_000_000}m" if count >= 1_000_000 else f"{count // 1_000}k"
