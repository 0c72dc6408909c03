"""What Prometheus reads: families of figures, and their text form.

https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4)
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count
from django.db.models.functions import Coalesce

from omnichannel import database_care, due, liveness, receipts
from omnichannel.choices import JobStatus, MessageStatus, ProcessRole
from omnichannel.models import ChannelProvider, Heartbeat, Installation, Job, Message

# The states of what still moves: few rows, which PostgreSQL counts in a partial index.
COUNTED = (
    MessageStatus.SCHEDULED,
    MessageStatus.NEW,
    MessageStatus.SENDING,
    MessageStatus.ERROR,
    MessageStatus.UNCERTAIN,
)


@dataclass(frozen=True)
class Gauge:
    """One family. `values`: {label value: number}, or {"": number} when it has no label."""

    name: str
    help: str
    values: Mapping[str, float]
    label: str = ""

    def lines(self) -> Iterator[str]:
        yield f"# HELP {self.name} {self.help}\n"
        yield f"# TYPE {self.name} gauge\n"
        for value, number in self.values.items():
            labels = f'{{{self.label}="{_escaped(value)}"}}' if self.label else ""
            yield f"{self.name}{labels} {number:.10g}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def text(gauges: Iterable[Gauge]) -> str:
    return "".join(line for gauge in gauges for line in gauge.lines())


def gauges(at: datetime.datetime) -> Iterator[Gauge]:
    """The figures of this app at `at` (UTC). Each query is an index range or a small table."""
    yield from _messages(at)
    yield Gauge(
        "studio_received_events",
        "Events told by webhook that wait to be applied, and that belong to no message.",
        receipts.counts(),
        "state",
    )
    yield Gauge("studio_providers", "Channel providers by state.", _providers(at), "state")
    jobs = Job.objects.filter(status__in=JobStatus.active()).order_by()
    found = dict(jobs.values_list("status").annotate(Count("id")))
    active = {status.value: found.get(status, 0) for status in JobStatus.active()}
    yield Gauge("studio_jobs", "Jobs that are not over, by state.", active, "status")
    held = Installation.objects.filter(held_since__isnull=False).exists()
    yield Gauge(
        "studio_sending_held",
        "1 while nothing is sent because the database was restored or copied.",
        {"": float(held)},
    )
    yield from _processes()
    yield from _database()


def _messages(at: datetime.datetime) -> Iterator[Gauge]:
    counts = {status.value: Message.objects.filter(status=status).count() for status in COUNTED}
    yield Gauge("studio_messages", "Messages that are not settled, by state.", counts, "status")
    yield Gauge(
        "studio_oldest_due_seconds",
        "For how long the oldest message that may go now has not gone; 0: none waits.",
        due.oldest_due(at),
        "category",
    )
    yield Gauge(
        "studio_oldest_uncertain_seconds",
        "The age of the oldest uncertain message; 0: there is none.",
        {"": oldest_uncertain(at)},
    )


def oldest_uncertain(at: datetime.datetime) -> float:
    """Seconds since the oldest uncertain message was last tried; 0.0 without one."""
    rows = Message.objects.uncertain().order_by()
    tried = rows.annotate(tried=Coalesce("last_attempt_at", "created_at"))
    oldest = tried.order_by("tried").values_list("tried", flat=True).first()
    return max(0.0, (at - oldest).total_seconds()) if oldest else 0.0


def _providers(at: datetime.datetime) -> dict[str, float]:
    states: Counter[str] = Counter(active=0, resting=0, stopped=0, inactive=0)
    rows = ChannelProvider.objects.values_list("is_active", "stopped_at", "resting_until")
    for is_active, stopped_at, resting_until in rows:
        if not is_active:
            states["inactive"] += 1
        elif stopped_at:
            states["stopped"] += 1
        else:
            states["resting" if resting_until and resting_until > at else "active"] += 1
    return dict(states)


def _processes() -> Iterator[Gauge]:
    found = liveness.processes()
    served = liveness.queues_served(found)
    yield Gauge("studio_queue_workers", "Living workers that serve a queue.", served, "queue")
    yield Gauge(
        "studio_lost_processes",
        "Workers and schedulers that stopped giving signs of life within the last day.",
        {"": sum(row.is_lost for row in found)},
    )
    yield Gauge(
        "studio_last_seen_seconds",
        "Since the last sign of life of any process of a role.",
        _last_seen(found),
        "role",
    )


def _last_seen(found: list[Heartbeat]) -> dict[str, float]:
    """Roles that nobody has had within a day are absent."""
    ages = {
        role.value: [row.age.total_seconds() for row in found if row.role == role]
        for role in ProcessRole
    }
    return {role: max(0.0, min(seconds)) for role, seconds in ages.items() if seconds}


def _database() -> Iterator[Gauge]:
    if connection.vendor == "postgresql":
        yield Gauge(
            "studio_database_oldest_transaction_seconds",
            "The age of the oldest open transaction that holds back PostgreSQL's clean-up.",
            {"": database_care.oldest_transaction_seconds()},
        )
    else:
        yield Gauge(
            "studio_database_log_bytes",
            "The size of SQLite's write-ahead log.",
            {"": database_care.log_bytes()},
        )
