"""Messages that were handed over without an answer: who may settle them, and for how long."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, F, Min, Q, QuerySet
from django.db.models.functions import Coalesce

from omnichannel import installation
from omnichannel.choices import Category, JobStatus, MessageStatus, OnUncertain
from omnichannel.models import ChannelProvider, Message

logger = logging.getLogger(__name__)

HELD = "Held until it is settled"
# A provider in trouble leaves new ones every second: so long passes between two lines of the log.
QUIET = datetime.timedelta(minutes=10)
COUNT_KEY = "uncertain:count"
COUNT_SECONDS = 10
SINCE = Coalesce("last_attempt_at", "created_at")


def all_uncertain() -> QuerySet[Any]:
    """Every uncertain message, with `since`: the moment (UTC) from which it has been so."""
    return Message.objects.uncertain().annotate(since=SINCE)


def recent_count() -> int:
    """How many there are, at most some seconds ago: every page of the Studio asks."""
    rows = Message.objects.uncertain().order_by()
    return cache.get_or_set(COUNT_KEY, rows.count, COUNT_SECONDS) or 0


def forget_count() -> None:
    """Some were settled: count afresh."""
    cache.delete(COUNT_KEY)


def sent_again_by_itself() -> Q:
    """Messages whose provider sends uncertain ones of their category again."""
    chosen = Q()
    default = Q(provider__on_uncertain=OnUncertain.RETRY)
    for category in Category:
        column = f"provider__on_uncertain_{category}"
        own = Q(**{column: OnUncertain.RETRY}) | (default & Q(**{column: ""}))
        chosen |= Q(category=category) & own
    return chosen


def overdue(at: datetime.datetime) -> QuerySet[Any]:
    """Those uncertain for longer than their provider's limit allows."""
    late = Q(pk__in=())
    for of_limit, moment in _limits(at):
        late |= of_limit & Q(since__lte=moment)
    return all_uncertain().filter(late)


def overdue_count(at: datetime.datetime) -> int:
    """The number to alarm on: how many are overdue."""
    return overdue(at).order_by().count()


def oldest_overdue(at: datetime.datetime) -> datetime.datetime | None:
    """Since when the oldest of them has been uncertain."""
    oldest: datetime.datetime | None = overdue(at).aggregate(oldest=Min("since"))["oldest"]
    return oldest


def _limits(at: datetime.datetime) -> Iterator[tuple[Q, datetime.datetime]]:
    """For each limit there is: which messages have it, and since when one would be overdue."""
    limits = ChannelProvider.objects.order_by().values_list("uncertain_alert_minutes", flat=True)
    for minutes in limits.distinct():
        yield Q(provider__uncertain_alert_minutes=minutes), at - _limit(minutes)


def _limit(minutes: int | None) -> datetime.timedelta:
    if minutes is None:
        minutes = int(settings.UNCERTAIN_ALERT_MINUTES)
    return datetime.timedelta(minutes=minutes)


def limit_of(provider: ChannelProvider) -> datetime.timedelta:
    """How long a message of this provider may stay uncertain before it is told of."""
    return _limit(provider.uncertain_alert_minutes)


def what_happens(message: Message, at: datetime.datetime) -> str:
    """What becomes of an uncertain message if nobody does anything; empty of any other.

    `message.provider`, and its `job` when it has one, must be loaded.
    """
    if message.status != MessageStatus.UNCERTAIN:
        return ""
    if message.provider.policy_for(message.category) == OnUncertain.HOLD:
        return HELD
    if message.expires_at is not None and message.expires_at <= at:
        return "Held: its time has ended"
    if message.attempts > message.retries_allowed:
        return "Held: no retries left"
    if message.job is not None and message.job.status == JobStatus.CANCELLED:
        return "Held: its job was cancelled"
    if (before := installation.doubtful_before()) and message.created_at < before:
        return "Held: it is from before a restore"
    moment = (message.last_attempt_at or message.created_at) + message.retry_wait
    return f"Sent again at {moment:%Y-%m-%d %H:%M} UTC" if moment > at else "Sent again soon"


def tell_overdue(at: datetime.datetime) -> int:
    """Write to the log, once, what has become overdue; answer how many messages were told of."""
    return sum(_tell(of_limit, moment) for of_limit, moment in _limits(at))


def _tell(of_limit: Q, moment: datetime.datetime) -> int:
    told = F("provider__uncertain_told_to")
    fresh = Q(provider__uncertain_told_to__isnull=True) | Q(since__gt=told)
    rested = Q(provider__uncertain_told_to__isnull=True) | Q(
        provider__uncertain_told_to__lte=moment - QUIET
    )
    groups = (
        all_uncertain()
        .filter(of_limit, fresh, rested, since__lte=moment)
        .order_by()
        .values_list("provider", "provider__name", "provider__uncertain_told_to")
        .annotate(number=Count("pk"), oldest=Min(SINCE))
    )
    count = 0
    for provider, name, told_to, number, oldest in groups:
        # Whoever moves the mark tells: of two workers, one.
        mine = ChannelProvider.objects.filter(pk=provider, uncertain_told_to=told_to)
        if mine.update(uncertain_told_to=moment):
            logger.error(
                "%s: %s messages have been uncertain for too long, the oldest since "
                "%s UTC. Settle them in the list of uncertain messages.",
                name,
                f"{number:,}",
                f"{oldest:%Y-%m-%d %H:%M}",
            )
            count += number
    return count
