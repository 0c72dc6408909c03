"""The ticks of this app. Each finds rows in a state and moves them on."""

from __future__ import annotations

import time

from celery import shared_task
from django.utils import timezone

from campaigns import audience_import, expansion, progress, removal, starting
from omnichannel import installation
from omnichannel.lifecycle import stop_requested

EXPAND_SECONDS = 20
IMPORT_SECONDS = 50
REMOVAL_SECONDS = 20


@shared_task
def run_audience_imports() -> int:
    until = time.monotonic() + IMPORT_SECONDS
    return audience_import.run_queued(until=until, stopped=stop_requested)


@shared_task
def start_due_campaigns() -> int:
    return 0 if installation.is_held() else starting.start_due(timezone.now())


@shared_task
def expand_jobs() -> int:
    if installation.is_held():
        return 0
    return expansion.expand_due(at=timezone.now(), until=time.monotonic() + EXPAND_SECONDS)


@shared_task
def follow_jobs() -> int:
    return progress.follow(timezone.now())


@shared_task
def remove_audiences() -> int:
    until = time.monotonic() + REMOVAL_SECONDS
    return removal.remove_asked(until=until, stopped=stop_requested)
