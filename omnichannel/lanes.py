"""Lanes: which streams have something to send now, best first."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from omnichannel import crash, installation
from omnichannel.models import ChannelProvider, Lane, Message
from omnichannel.windows import is_open


def lane_for(provider: ChannelProvider, category: str, priority: int) -> Lane:
    """The shared lane of messages that belong to no job."""
    lane, _ = Lane.objects.get_or_create(
        provider=provider, category=category, priority=priority, job=None
    )
    return lane


# A shared lane goes only with its provider: which one it is never changes.
_shared: dict[tuple[int, str, int], int] = {}


def shared_lane_id(provider_id: int, category: str, priority: int) -> int:
    """The same, looked up once in this process."""
    key = (provider_id, category, priority)
    if key in _shared:
        return _shared[key]
    lane, _ = Lane.objects.get_or_create(
        provider_id=provider_id, category=category, priority=priority, job=None
    )
    # Not before: a lane that is not committed yet is there for nobody else.
    transaction.on_commit(lambda: _shared.setdefault(key, lane.pk))
    return lane.pk


def forget_shared() -> None:
    """The database is another one: for tests."""
    _shared.clear()


def open_lanes(
    categories: Iterable[str], at: datetime.datetime, *, provider_id: int | None = None
) -> list[Lane]:
    """Lanes with a message that may go at `at` (UTC), best priority first.

    The provider's window, the lane's own and its closed time are judged here, once for all their
    messages. None is open while sending is held (see `installation`).
    """
    crash.point("looking")
    if installation.is_held():
        return []
    ready = Message.objects.ready().filter(lane=OuterRef("pk"))
    # Asked first: a long reader keeps the entries of what was claimed, which all lie below it.
    ahead = Exists(ready.filter(id__gt=OuterRef("cursor")))
    lanes = (
        Lane.objects.filter(category__in=categories, is_paused=False)
        .filter(Q(starts_at__isnull=True) | Q(starts_at__lte=at))
        .filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at))
        .filter(provider__in=ChannelProvider.objects.able(at))
        .filter(ahead | Exists(ready))
        .select_related("provider", "job")
        .order_by("priority", F("job_id").asc(nulls_first=True))
    )
    if provider_id is not None:
        lanes = lanes.filter(provider_id=provider_id)
    return [lane for lane in lanes if in_window(lane, at)]


def is_free(lane: Lane, at: datetime.datetime) -> bool:
    """Nobody has paused it or holds all sending since, and its provider may be used."""
    if installation.is_held():
        return False
    able = ChannelProvider.objects.able(at)
    return Lane.objects.filter(pk=lane.pk, is_paused=False, provider__in=able).exists()


def in_window(lane: Lane, at: datetime.datetime) -> bool:
    """May its messages go at `at`, by the provider's window and its own, and its closed time?"""
    if lane.closed_from and lane.closed_until and lane.closed_from <= at < lane.closed_until:
        return False
    provider = lane.provider
    return is_open(at, provider.interval_min, provider.interval_max) and is_open(
        at, lane.interval_min, lane.interval_max
    )
