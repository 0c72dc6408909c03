"""The ticks of this app. Each finds rows in a state and moves them on."""

from __future__ import annotations

import time

from celery import shared_task
from django.utils import timezone

from campaigns import expansion, progress, starting

EXPAND_SECONDS = 20


@shared_task
def start_due_campaigns() -> int:
    return starting.start_due(timezone.now())


@shared_task
def expand_jobs() -> int:
    return expansion.expand_due(at=timezone.now(), until=time.monotonic() + EXPAND_SECONDS)


@shared_task
def follow_jobs() -> int:
    return progress.follow(timezone.now())
