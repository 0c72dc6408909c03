"""Which workers and schedulers live, and what to tell an operator about it."""

from __future__ import annotations

import datetime

from django.conf import settings
from django_celery_beat.models import PeriodicTask

from omnichannel import database_care, due, installation
from omnichannel.choices import Category, ProcessRole
from omnichannel.models import Heartbeat

# Campaigns may well take hours; nothing else should wait.
DUE_LIMITS = {Category.OTP: 30, Category.TRANSACTIONAL: 300}


def processes() -> list[Heartbeat]:
    """All that have given a sign of life within a day, each with its `age`, the lost ones first."""
    return sorted(Heartbeat.objects.with_age(), key=lambda row: not row.is_lost)


def queues_served(found: list[Heartbeat]) -> dict[str, int]:
    """{queue of an enabled periodic task: how many living workers serve it}."""
    tasks = PeriodicTask.objects.filter(enabled=True).values_list("queue", flat=True)
    living = [row for row in found if not row.is_lost and row.role != ProcessRole.SCHEDULER]
    return {
        queue: sum(not row.queue_names or queue in row.queue_names for row in living)
        for queue in sorted({name or "default" for name in tasks})
    }


def hints(found: list[Heartbeat]) -> list[str]:
    """What is wrong with the processes and what to do, a sentence each. Empty: all is well."""
    living = [row for row in found if not row.is_lost]
    workers = [row for row in living if row.role != ProcessRole.SCHEDULER]
    schedulers = [row for row in living if row.role != ProcessRole.WORKER]
    if settings.IS_EMBEDDED:
        return [] if workers else [NO_EMBEDDED]
    unserved = [queue for queue, number in queues_served(found).items() if not number]
    texts = [NO_QUEUE.format(queue) for queue in unserved] if workers else [NO_WORKER]
    return texts if schedulers else [*texts, NO_SCHEDULER]


NO_EMBEDDED = (
    "The embedded worker gives no sign of life: nothing is sent. It is started again by itself "
    "while ./run runs; if it stays away, restart ./run and look at what it prints."
)
NO_WORKER = (
    "No worker is alive: nothing is sent. Start the workers, such as: "
    "celery -A config worker -Q otp,transactional,promotional,default"
)
NO_QUEUE = "No worker serves the queue {0}. Start one: celery -A config worker -Q {0}"
NO_SCHEDULER = (
    "No scheduler is alive: retries, expiries and campaigns wait. Start it: celery -A config beat"
)


def warnings(at: datetime.datetime) -> list[str]:
    """All that an operator should do something about now, without names of hosts or people."""
    found = processes()
    texts = [*held_hints(), *hints(found)]
    if lost := sum(row.is_lost for row in found):
        texts.append(f"{lost} worker or scheduler process{'' if lost == 1 else 'es'} lost.")
    for category, seconds in due.oldest_due(at).items():
        if seconds > DUE_LIMITS.get(Category(category), seconds):
            texts.append(f"The oldest {category} message has been due for {seconds:.0f} s.")
    return texts


def held_hints() -> list[str]:
    """That sending is held, and why, without a path or a name of the database."""
    if (row := installation.held()) is None:
        return []
    kind = "what waited is being cancelled" if row.is_releasing else "an operator must release it"
    return [f"Sending is held since {row.held_since:%Y-%m-%d %H:%M} UTC: {kind}."]


def alerts() -> list[str]:
    """The same of the database, with what it takes to find the culprit: for operators only."""
    return database_care.warnings()
