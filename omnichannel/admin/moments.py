"""The filter between two moments."""

from __future__ import annotations

import datetime
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.dateparse import parse_date, parse_time

from omnichannel.admin.base import RangeDateTimeFilter

SIDES = (
    ("from", "gte", datetime.time.min),
    ("to", "lte", datetime.time.max),
)


class MomentRangeFilter(RangeDateTimeFilter):
    """From and to, in UTC. A date without a time is its whole day."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        for side, lookup, default in SIDES:
            day = self.used_parameters.get(f"{self.field_path}_{side}_0") or ""
            time = self.used_parameters.get(f"{self.field_path}_{side}_1") or ""
            try:
                moment = _moment(day, time, default)
            except ValueError:
                messages.warning(
                    request, f"“{day} {time}” is no moment: write 2026-03-31 and 14:30."
                )
                continue
            if moment is not None:
                queryset = queryset.filter(**{f"{self.field_path}__{lookup}": moment})
        return queryset


def _moment(day: str, time: str, default: datetime.time) -> datetime.datetime | None:
    if not day:
        return None
    date, clock = parse_date(day), parse_time(time) if time else default
    if date is None or clock is None:
        raise ValueError
    return datetime.datetime.combine(date, clock.replace(tzinfo=None), datetime.UTC)
