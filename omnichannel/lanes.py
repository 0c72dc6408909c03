"""Lanes: which streams have something to send now, best first."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from django.db.models import Exists, F, OuterRef, Q

from omnichannel.choices import MessageStatus
from omnichannel.models import ChannelProvider, Lane, Message
from omnichannel.windows import is_open


def lane_for(provider: ChannelProvider, category: str, priority: int) -> Lane:
    """The shared lane of messages that belong to no job."""
    lane, _ = Lane.objects.get_or_create(
        provider=provider, category=category, priority=priority, job=None
    )
    return lane


def open_lanes(
    categories: Iterable[str], at: datetime.datetime, *, provider_id: int | None = None
) -> list[Lane]:
    """Lanes with a message that may go at `at` (UTC), best priority first.

    The provider's window and the lane's own are judged here, once for all their messages.
    """
    ready = Message.objects.filter(lane=OuterRef("pk"), status=MessageStatus.NEW)
    lanes = (
        Lane.objects.filter(category__in=categories, is_paused=False)
        .filter(Q(starts_at__isnull=True) | Q(starts_at__lte=at))
        .filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at))
        .filter(provider__in=ChannelProvider.objects.able(at))
        .filter(Exists(ready))
        .select_related("provider", "job")
        .order_by("priority", F("job_id").asc(nulls_first=True))
    )
    if provider_id is not None:
        lanes = lanes.filter(provider_id=provider_id)
    return [lane for lane in lanes if in_window(lane, at)]


def is_free(lane: Lane, at: datetime.datetime) -> bool:
    """Nobody has paused it since, and its provider may be used."""
    able = ChannelProvider.objects.able(at)
    return Lane.objects.filter(pk=lane.pk, is_paused=False, provider__in=able).exists()


def in_window(lane: Lane, at: datetime.datetime) -> bool:
    """May its messages go at `at`, by the provider's window and its own?"""
    provider = lane.provider
    return is_open(at, provider.interval_min, provider.interval_max) and is_open(
        at, lane.interval_min, lane.interval_max
    )
