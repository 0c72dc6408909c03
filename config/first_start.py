"""What must be there before the first page: tables, periodic tasks, variables, a way to log in."""

from __future__ import annotations

import os
import secrets
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from campaigns import demo
from config.schedule import PERIODIC_TASKS, Periodic
from integrations import demo as integrations_demo
from omnichannel import installation, originals
from omnichannel.models import ChannelProvider
from omnichannel.shipped_events import ensure_shipped_events
from omnichannel.variables import ensure_read_only_set
from otp import demo as otp_demo

LOCK_TIMEOUT = "10s"


class Login(NamedTuple):
    """The superuser just made; `is_random` tells that nobody chose the password."""

    username: str
    password: str
    is_random: bool


def prepare() -> None:
    """Migrate if need be, then make what every installation has. Safe to repeat."""
    if pending_migrations():
        _migrate()
    ensure_periodic_tasks()
    ensure_read_only_set()
    originals.ensure()
    ensure_shipped_events()
    installation.look(timezone.now())


def _migrate() -> None:
    """Give up rather than wait: a change of a table that waits for a lock holds up all others."""
    is_postgresql = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        if is_postgresql:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])
        call_command("migrate", interactive=False, verbosity=0)
        if is_postgresql:
            cursor.execute("RESET lock_timeout")


def pending_migrations() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def ensure_periodic_tasks() -> int:
    """Make the rows that are missing; rows that exist are the operator's. Returns how many."""
    present = set(PeriodicTask.objects.values_list("task", flat=True))
    missing = [periodic for periodic in PERIODIC_TASKS if periodic.task not in present]
    for periodic in missing:
        _make_periodic_task(periodic)
    return len(missing)


def _make_periodic_task(periodic: Periodic) -> None:
    interval, _ = IntervalSchedule.objects.get_or_create(
        every=periodic.seconds, period=IntervalSchedule.SECONDS
    )
    PeriodicTask.objects.get_or_create(
        name=periodic.name,
        defaults={
            "task": periodic.task,
            "interval": interval,
            "queue": periodic.queue,
            # A tick nobody took in time is worth nothing: the next one does the same work.
            "expire_seconds": max(10, 2 * periodic.seconds),
        },
    )


def is_first_start() -> bool:
    users = get_user_model()._default_manager
    return not (users.filter(is_superuser=True).exists() or ChannelProvider.objects.exists())


def load_demo(at: datetime) -> bool:
    """All of the demo data or, if anything fails, none. False when it is switched off."""
    if not settings.DEMO_DATA:
        return False
    with transaction.atomic():
        demo.load(at)
        otp_demo.load()
        integrations_demo.load(at)
    return True


def ensure_superuser() -> Login | None:
    """The account made now, or None when there is a superuser already.

    ADMIN_PASSWORD is its password; without it, a random one that only the returned value knows.
    """
    users = get_user_model()._default_manager
    if users.filter(is_superuser=True).exists():
        return None
    chosen = os.environ.get("ADMIN_PASSWORD", "")
    password = chosen or secrets.token_urlsafe(12)
    user = get_user_model()(username="admin", is_staff=True, is_superuser=True)
    user.set_password(password)
    user.save()
    return Login("admin", password, is_random=not chosen)
