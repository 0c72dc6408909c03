"""How fast ready messages are claimed, from a small table and from a large one."""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.db import connection
from django.utils import timezone

from omnichannel.benchmarks.base import BenchOptions, Figure
from omnichannel.choices import Category, MessageStatus
from omnichannel.claims import claim
from omnichannel.models import ChannelProvider, Lane, Message

NAME = "claim"
N = 1_000_000
READY = 10_000
BATCH = 500
ROUNDS = 5


def run(options: BenchOptions) -> Iterator[Figure]:
    """Rows per second at 10,000 rows and at `n`, and the second as a share of the first."""
    lane = _lane()
    small = _rate(lane)
    yield Figure("claim.rows_per_s_at_10k", small, "rows/s", READY)
    _fill(lane, options.n)
    large = _rate(lane)
    yield Figure(f"claim.rows_per_s_at_{_short(options.n)}", large, "rows/s", options.n)
    yield Figure("claim.ratio_large_to_small", large / small, "x", options.n)


def _lane() -> Lane:
    provider = ChannelProvider.objects.create(name="Bench", backend="sandbox")
    lane = Lane.objects.create(provider=provider, category=Category.PROMOTIONAL)
    _write(lane, READY, MessageStatus.NEW)
    return lane


def _rate(lane: Lane) -> float:
    """All ready rows claimed in batches, several times; the best round counts."""
    best = 0.0
    for _ in range(ROUNDS):
        began, count = time.monotonic(), 0
        while ids := claim(Lane.objects.get(pk=lane.pk), BATCH, "bench"):
            count += len(ids)
        best = max(best, count / (time.monotonic() - began))
        Message.objects.filter(lane=lane, status=MessageStatus.SENDING).update(
            status=MessageStatus.NEW
        )
        Lane.objects.filter(pk=lane.pk).update(cursor=0)
    return best


def _write(lane: Lane, count: int, status: MessageStatus) -> None:
    at = timezone.now()
    for start in range(0, count, BATCH):
        Message.objects.bulk_create(
            Message(
                lane=lane,
                provider=lane.provider,
                status=status,
                to_address=f"person{number}@example.com",
                created_at=at,
            )
            for number in range(start, min(start + BATCH, count))
        )


def _fill(lane: Lane, count: int) -> None:
    """Messages that are done, up to `count` rows in all."""
    _write(lane, max(0, count - READY), MessageStatus.SENT)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE omnichannel_message")


def _short(count: int) -> str:
    return f"{count // 1_000_000}m" if count >= 1_000_000 else f"{count // 1_000}k"
