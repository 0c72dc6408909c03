"""The ticks of this app. Each finds rows in a state and moves them on."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from typing import Protocol

from celery import shared_task
from django.utils import timezone

from integrations import (
    as2_receipts,
    as2_sending,
    certificates,
    delivering,
    expiry,
    hooks,
    processing,
    retention,
)
from omnichannel import doorbell, installation
from omnichannel.lifecycle import stop_requested

WORK_SECONDS = 20
PURGE_SECONDS = 50


@shared_task
def process_transmissions() -> int:
    return _work(processing.process_due, "process_transmissions")


@shared_task
def deliver_envelopes() -> int:
    return _work(delivering.deliver_due, "deliver_envelopes")


@shared_task
def send_as2() -> int:
    return 0 if installation.is_held() else as2_sending.send_due(timezone.now())


@shared_task
def check_async_mdn() -> int:
    return 0 if installation.is_held() else as2_receipts.check_async_mdn(timezone.now())


@shared_task
def certificate_watch() -> int:
    """Who asks for it once a day or more often is told once a day."""
    at = timezone.now()
    for found in certificates.expiring(at):
        hooks.certificate_expiring(found.integration, found.which, found.expires_at, at=at)
    return certificates.finish_renewals(at)


@shared_task
def expire_envelopes() -> int:
    return 0 if installation.is_held() else expiry.expire_due(timezone.now())


@shared_task
def purge_documents() -> int:
    until = time.monotonic() + PURGE_SECONDS
    return retention.purge(
        timezone.now(), stopped=lambda: stop_requested() or time.monotonic() > until
    )


class Step(Protocol):
    def __call__(self, at: datetime.datetime, *, stopped: Callable[[], bool]) -> int: ...


def _work(step: Step, name: str) -> int:
    """Batch after batch until nothing is due, or others should have their turn: then ring again."""
    until, done = time.monotonic() + WORK_SECONDS, 0
    while not installation.is_held() and not stop_requested():
        found = step(timezone.now(), stopped=stop_requested)
        done += found
        if not found:
            return done
        if time.monotonic() > until:
            doorbell.ring(f"integrations.tasks.{name}")
            return done
    return done
