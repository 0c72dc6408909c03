"""Providers that cannot send: stopped until an operator resumes them, or resting for a while."""

from __future__ import annotations

import datetime
import logging
import random

from django.db.models import Q
from django.utils import timezone

from omnichannel.choices import Outcome
from omnichannel.models import ChannelProvider

logger = logging.getLogger(__name__)

FIRST_REST = 5  # seconds, doubled with every failure in a row
LONGEST_REST = 300
LONGEST_ASKED = 3600
JITTER = 0.2  # of a rest
BREAKING = 20  # temporary refusals in a row: then the fault is the provider's, not the messages'

_random = random.SystemRandom()


class Breaker:
    """Listens to the outcomes of one worker's messages."""

    def __init__(self) -> None:
        self.refused = 0

    def opens(self, outcome: str) -> bool:
        """Was this one refusal too many? Then it starts to count anew."""
        self.refused = self.refused + 1 if outcome == Outcome.TEMPORARY else 0
        if self.refused < BREAKING:
            return False
        self.refused = 0
        return True


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
    """Leave it alone for `seconds`, or for a time that doubles; answer until when.

    Workers that fail while it rests already met the same outage: it is not counted again, and
    its rest gets longer only if the provider asked for more.
    """
    rows = ChannelProvider.objects.filter(pk=provider.pk)
    failures, resting = rows.values_list("failures", "resting_until").first() or (0, None)
    wait = _wait(failures) if seconds is None else min(seconds, LONGEST_ASKED)
    until = at + datetime.timedelta(seconds=wait)
    if resting is not None and resting > at:
        until = resting if seconds is None else max(until, resting)
        failures = max(failures - 1, 0)
    rows.update(resting_until=until, failures=failures + 1, trouble=text[:2000])
    logger.warning("Provider %s rests until %s: %s", provider.name, until, text)
    return until


def _wait(failures: int) -> float:
    """Doubled each time, and never the same: providers of one vendor come back one by one."""
    longest = min(FIRST_REST * 2 ** min(failures, 10), LONGEST_REST)
    return longest * _random.uniform(1 - JITTER, 1)


def well(provider: ChannelProvider, at: datetime.datetime | None = None) -> None:
    """It answered: forget its failures, unless it rests: that answer was on its way before."""
    at = at or timezone.now()
    rows = ChannelProvider.objects.filter(pk=provider.pk, stopped_at__isnull=True)
    rows.exclude(failures=0, trouble="", resting_until__isnull=True).filter(
        Q(resting_until__isnull=True) | Q(resting_until__lte=at)
    ).update(failures=0, trouble="", resting_until=None)


def resume(provider: ChannelProvider) -> bool:
    """Let a stopped or resting provider send again; answer whether anything changed."""
    changed = (
        ChannelProvider.objects.filter(pk=provider.pk)
        .exclude(stopped_at__isnull=True, resting_until__isnull=True, failures=0)
        .update(stopped_at=None, resting_until=None, failures=0, trouble="")
    )
    return changed == 1
