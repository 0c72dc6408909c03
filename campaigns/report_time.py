"""What happened when: events by hour, or by day or month where the time is long."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, Count, F, Func, QuerySet

from omnichannel.choices import EventType
from omnichannel.models import MessageEvent

SHOWN = (EventType.SENT, EventType.DELIVERED, EventType.OPENED, EventType.CLICKED)
HOUR, DAY, MONTH = len("2026-03-02 12"), len("2026-03-02"), len("2026-03")
UNITS = {HOUR: "hour", DAY: "day", MONTH: "month"}
HOURS_SHOWN = 72
DAYS_SHOWN = 400
MONTHS_SHOWN = 240
FORMAT = "%Y-%m-%d %H"


@dataclass(frozen=True)
class Series:
    """Events by an equal step of time, without a gap: `values` are as many as `labels`."""

    unit: str  # hour | day | month
    labels: tuple[str, ...]
    values: dict[str, tuple[int, ...]]  # by EventType


class HourOf(Func):
    """The hour of a moment in UTC as text, such as 2026-03-02 12."""

    template = "substr(%(expressions)s, 1, 13)"

    def __init__(self, column: str) -> None:
        super().__init__(F(column), output_field=CharField())

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24')"
        return self.as_sql(compiler, connection, template=template, **context)


def series(events: QuerySet[MessageEvent]) -> Series:
    """Of what people did, and of sending; what machines opened is left out."""
    rows = (
        events.filter(type__in=SHOWN, is_machine=False)
        .annotate(hour=HourOf("at"))
        .values_list("hour", "type")
        .annotate(number=Count("*"))
    )
    return of_hours(rows.iterator())


def of_hours(rows: Iterable[tuple[str, str, int]]) -> Series:
    """From (hour, event type, number)."""
    counts: dict[str, Counter[str]] = {kind.value: Counter() for kind in SHOWN}
    for hour, kind, number in rows:
        counts[kind][hour] += number
    hours = [hour for counted in counts.values() for hour in counted]
    if not hours:
        return Series("hour", (), {kind: () for kind in counts})
    first, last = _moment(min(hours)), _moment(max(hours))
    length = _unit(last - first)
    labels = tuple(_steps(first, last, length))
    if len(labels) > MONTHS_SHOWN and length == MONTH:  # some clock was wrong
        labels = tuple(sorted({hour[:MONTH] for hour in hours}))
    return Series(
        UNITS[length],
        labels,
        {kind: _values(counted, labels, length) for kind, counted in counts.items()},
    )


def _moment(hour: str) -> datetime.datetime:
    return datetime.datetime.strptime(hour, FORMAT).replace(tzinfo=datetime.UTC)


def _unit(span: datetime.timedelta) -> int:
    if span <= datetime.timedelta(hours=HOURS_SHOWN):
        return HOUR
    return DAY if span <= datetime.timedelta(days=DAYS_SHOWN) else MONTH


def _steps(first: datetime.datetime, last: datetime.datetime, length: int) -> Iterable[str]:
    if length == MONTH:
        months = range(12 * first.year + first.month - 1, 12 * last.year + last.month)
        return (f"{month // 12:04d}-{month % 12 + 1:02d}" for month in months)
    step = datetime.timedelta(hours=1) if length == HOUR else datetime.timedelta(days=1)
    begin = first if length == HOUR else first.replace(hour=0)
    count = (last - begin) // step + 1
    return (f"{begin + number * step:{FORMAT}}"[:length] for number in range(count))


def _values(counted: Counter[str], labels: tuple[str, ...], length: int) -> tuple[int, ...]:
    sums: Counter[str] = Counter()
    for hour, number in counted.items():
        sums[hour[:length]] += number
    return tuple(sums[label] for label in labels)
