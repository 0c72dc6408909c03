"""The dashboard's panel of workers and schedulers, and what it warns of."""

from __future__ import annotations

import datetime
from typing import Any

from django.core.cache import cache

from omnichannel import database_care, due, liveness
from omnichannel.choices import Category
from omnichannel.models import Heartbeat

DUE_SECONDS = 5
ALERT_SECONDS = 15


def panel(at: datetime.datetime) -> dict[str, Any]:
    """{"rows": processes, "hints": sentences, "oldest": text of the oldest due message}."""
    found = liveness.processes()
    oldest = cache.get_or_set("dashboard:due", lambda: due.oldest_due(at), DUE_SECONDS) or {}
    return {
        "rows": [_row(process) for process in found],
        "hints": liveness.hints(found),
        "oldest": _oldest(oldest),
    }


def database_alerts() -> list[str]:
    """Sentences for administrators: they name sessions of the database."""
    return cache.get_or_set("dashboard:database", database_care.warnings, ALERT_SECONDS) or []


def _row(process: Heartbeat) -> dict[str, Any]:
    unit = "message" if process.messages == 1 else "messages"
    ticks = f"{process.tasks:,} tick{'' if process.tasks == 1 else 's'}"
    doing = f"{process.messages:,} {unit}" if process.messages else ticks
    return {
        "process": process,
        "queues": ", ".join(process.queue_names),
        "seen": f"{spoken(process.age.total_seconds())} ago",
        "doing": f"{doing} in the last minute",
    }


def _oldest(ages: dict[str, float]) -> str:
    category = max(ages, key=lambda key: ages[key], default="")
    if not category or not ages[category]:
        return ""
    return f"{spoken(ages[category])} ({Category(category).label.lower()})"


def spoken(seconds: float) -> str:
    """A duration in one unit: "8 s", "4 min", "3 h"."""
    if seconds < 120:
        return f"{max(0, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 7200 else f"{round(seconds / 3600)} h"
