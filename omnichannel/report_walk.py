"""How the rows of a report are found: by an index where few match, else by walking along the ids.

A walk reads one window of ids after the other, newest first, until it has its rows or its time is
up. Columns that have an index are hidden from the planner there: it must not sort a million rows
of a job where fifty of the latest are wanted.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import CharField, F, Func, IntegerField, QuerySet

from omnichannel.choices import MessageStatus
from omnichannel.models import Message
from omnichannel.models.messages import TROUBLE, OneOf

FIELDS = (
    "id",
    "created_at",
    "to_address",
    "status",
    "provider_id",
    "template_version_id",
    "job_id",
    "error_code",
    "error_message",
    "attempts",
    "last_attempt_at",
)
FEW = 2_000  # so many are taken by their ids; of more, the walk meets some soon
WINDOW = 10_000  # ids; the first of a walk
WIDEST = 1_000_000
QUICK = 0.1  # a window that took less is followed by one twice as wide
# Each has a partial index: the latest of these are found at once.
# The partial index of a status: its condition, and its first column.
PARTIAL = {
    MessageStatus.NEW: ((MessageStatus.NEW,), "lane_id"),
    MessageStatus.SCHEDULED: ((MessageStatus.SCHEDULED, MessageStatus.ERROR), "due_at"),
    MessageStatus.SENDING: ((MessageStatus.SENDING,), "lease_until"),
}


@dataclass(frozen=True)
class Conditions:
    """Exact; None and empty: not asked for."""

    addresses: tuple[str, ...] | None = None
    statuses: tuple[str, ...] | None = None
    jobs: tuple[int, ...] | None = None
    versions: tuple[int, ...] | None = None
    providers: tuple[int, ...] | None = None
    channel: int | None = None
    category: str = ""
    error_code: str = ""
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None


@dataclass(frozen=True)
class Plan:
    """Together the `ways` hold every row that is wanted, each once, with `low <= id < high`."""

    ways: tuple[QuerySet[Message], ...]
    low: int
    high: int


class Walked(NamedTuple):
    """`reached`: the time was up here: what lies beyond has not been looked at."""

    rows: list[tuple[Any, ...]]
    reached: int | None


class Hidden(Func):
    """A column as no index knows it."""

    def __init__(self, column: str, *, is_text: bool) -> None:
        field: Any = CharField() if is_text else IntegerField()
        super().__init__(F(column), output_field=field)
        self.template = "(%(expressions)s || '')" if is_text else "(%(expressions)s + 0)"


def plan(wanted: Conditions, low: int, high: int) -> Plan:
    ids = _few(wanted)
    if ids is not None:
        rows = _others(Message.objects.filter(pk__in=ids), wanted)
        if not ids:
            low, high = 0, 0
        else:
            low, high = max(low, min(ids)), min(high, max(ids) + 1)
        return Plan((rows,), low, high)
    statuses = wanted.statuses
    if statuses and set(statuses) <= set(TROUBLE):
        rows = _others(Message.objects.filter(OneOf(TROUBLE)), wanted, is_status_known=True)
        return Plan(tuple(rows.filter(status=status) for status in statuses), low, high)
    return Plan((_others(Message.objects.all(), wanted),), low, high)


def _few(wanted: Conditions) -> list[int] | None:
    """The ids of all that may match, where an index knows them and they are few."""
    indexed = _indexed(wanted)
    found: set[int] = set()
    for rows in indexed:
        left = FEW + 1 - len(found)
        found.update(rows.values_list("id", flat=True)[:left])
    return sorted(found) if indexed and len(found) <= FEW else None


def _indexed(wanted: Conditions) -> list[QuerySet[Message]]:
    """Look-ups in an index each, which together hold all that is wanted; empty: there is none."""
    every = Message.objects.order_by()
    if wanted.addresses is not None:
        return [every.filter(to_address__in=wanted.addresses)]
    statuses = [MessageStatus(status) for status in wanted.statuses or MessageStatus.values]
    if wanted.jobs is not None:
        return [every.filter(job__in=wanted.jobs, status__in=statuses)]
    if set(statuses) <= set(PARTIAL):
        return [_of_status(status) for status in statuses]
    return []


def _of_status(status: MessageStatus) -> QuerySet[Message]:
    condition, column = PARTIAL[status]
    return Message.objects.filter(OneOf(condition)).filter(status=status).order_by(column)


def _others(
    rows: QuerySet[Message], wanted: Conditions, *, is_status_known: bool = False
) -> QuerySet[Message]:
    if wanted.addresses is not None:
        rows = rows.alias(to=Hidden("to_address", is_text=True)).filter(to__in=wanted.addresses)
    if wanted.statuses is not None and not is_status_known:
        rows = rows.alias(state=Hidden("status", is_text=True)).filter(state__in=wanted.statuses)
    if wanted.jobs is not None:
        rows = rows.alias(of=Hidden("job_id", is_text=False)).filter(of__in=wanted.jobs)
    exact = {
        "template_version__in": wanted.versions,
        "provider__in": wanted.providers,
        "channel": wanted.channel,
        "category": wanted.category or None,
        "error_code": wanted.error_code or None,
        "created_at__gte": wanted.since,
        "created_at__lt": wanted.until,
    }
    return rows.filter(**{name: value for name, value in exact.items() if value is not None})


def walk(plan: Plan, *, limit: int, until: float, is_upward: bool = False) -> Walked:
    """Up to `limit` rows in the order of the walk. At least one window is read."""
    found: list[tuple[Any, ...]] = []
    for first, last in _windows(plan, until, is_upward=is_upward):
        if first > last:
            return Walked(found, last + 1 if not is_upward else first - 1)
        found += _window(plan, first, last, limit - len(found), is_upward=is_upward)
        if len(found) >= limit:
            return Walked(found, None)
    return Walked(found, None)


def _windows(plan: Plan, until: float, *, is_upward: bool) -> Iterator[tuple[int, int]]:
    """(first, last id) of one window after the other. An empty one: the time is up there."""
    low, high, size, is_first = plan.low, plan.high, WINDOW, True
    while low < high:
        if not is_first and time.monotonic() >= until:
            yield (low, low - 1) if is_upward else (high, high - 1)
            return
        # Gaps, of deleted or never written rows, are jumped over.
        rows = Message.objects.filter(id__gte=low, id__lt=high)
        ids = rows.order_by("id" if is_upward else "-id").values_list("id", flat=True)
        begin = ids.first()
        if begin is None:
            return
        first = begin if is_upward else max(low, begin - size + 1)
        last = min(high - 1, begin + size - 1) if is_upward else begin
        began = time.monotonic()
        yield first, last
        if time.monotonic() - began < QUICK:
            size = min(2 * size, WIDEST)
        low, high = (last + 1, high) if is_upward else (low, first)
        is_first = False


def _window(
    plan: Plan, first: int, last: int, limit: int, *, is_upward: bool
) -> list[tuple[Any, ...]]:
    order = "id" if is_upward else "-id"
    found: list[tuple[Any, ...]] = []
    for rows in plan.ways:
        chosen = rows.filter(id__gte=first, id__lte=last).order_by(order)
        found += chosen.values_list(*FIELDS)[:limit]
    found.sort(key=lambda row: row[0], reverse=not is_upward)
    return found[:limit]
