"""The ticks of this app. Each finds rows in a state and moves them on."""

from __future__ import annotations

import time
from collections.abc import Callable

from celery import shared_task
from django.utils import timezone

from integrations import delivering, expiry, processing, retention
from omnichannel import doorbell, installation
from omnichannel.lifecycle import stop_requested

WORK_SECONDS = 20
PURGE_SECONDS = 50


@shared_task
def process_transmissions() -> int:
    return _work(lambda: processing.process_due(timezone.now()), "process_transmissions")


@shared_task
def deliver_envelopes() -> int:
    return _work(lambda: delivering.deliver_due(timezone.now()), "deliver_envelopes")


@shared_task
def expire_envelopes() -> int:
    return 0 if installation.is_held() else expiry.expire_due(timezone.now())


@shared_task
def purge_documents() -> int:
    until = time.monotonic() + PURGE_SECONDS
    return retention.purge(
        timezone.now(), stopped=lambda: stop_requested() or time.monotonic() > until
    )


def _work(step: Callable[[], int], name: str) -> int:
    """Batch after batch until nothing is due, or others should have their turn: then ring again."""
    until, done = time.monotonic() + WORK_SECONDS, 0
    while not installation.is_held() and not stop_requested():
        found = step()
        done += found
        if not found:
            return done
        if time.monotonic() > until:
            doorbell.ring(f"integrations.tasks.{name}")
            return done
    return done
