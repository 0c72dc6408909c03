"""Providers that cannot send: stopped until an operator resumes them, or resting for a while."""

from __future__ import annotations

import datetime
import logging

from omnichannel.models import ChannelProvider

logger = logging.getLogger(__name__)

FIRST_REST = 5  # seconds, doubled with every failure in a row
LONGEST_REST = 300


def stop(provider: ChannelProvider, text: str, at: datetime.datetime) -> None:
    """Send nothing more through it: its credentials were refused. Its messages wait."""
    stopped = ChannelProvider.objects.filter(pk=provider.pk, stopped_at__isnull=True).update(
        stopped_at=at, trouble=text[:2000]
    )
    if stopped:
        logger.error("Provider %s was stopped: %s", provider.name, text)


def rest(
    provider: ChannelProvider,
    text: str,
    at: datetime.datetime,
    *,
    seconds: float | None = None,
) -> datetime.datetime:
    """Leave it alone for `seconds`, or for a time that doubles; answer until when."""
    failures = (
        ChannelProvider.objects.filter(pk=provider.pk).values_list("failures", flat=True).first()
    ) or 0
    wait = min(FIRST_REST * 2 ** min(failures, 10), LONGEST_REST) if seconds is None else seconds
    until = at + datetime.timedelta(seconds=min(wait, 3600))
    ChannelProvider.objects.filter(pk=provider.pk).update(
        resting_until=until, failures=failures + 1, trouble=text[:2000]
    )
    logger.warning("Provider %s rests until %s: %s", provider.name, until, text)
    return until


def well(provider: ChannelProvider) -> None:
    """It answered: forget its failures."""
    ChannelProvider.objects.filter(pk=provider.pk, stopped_at__isnull=True).exclude(
        failures=0, trouble="", resting_until__isnull=True
    ).update(failures=0, trouble="", resting_until=None)


def resume(provider: ChannelProvider) -> bool:
    """Let a stopped or resting provider send again; answer whether anything changed."""
    changed = (
        ChannelProvider.objects.filter(pk=provider.pk)
        .exclude(stopped_at__isnull=True, resting_until__isnull=True, failures=0)
        .update(stopped_at=None, resting_until=None, failures=0, trouble="")
    )
    return changed == 1
