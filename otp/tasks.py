"""The ticks of this app."""

from __future__ import annotations

import time

from celery import shared_task
from django.utils import timezone

from omnichannel import installation
from omnichannel.lifecycle import stop_requested
from otp import cleaning, fallback

FALLBACK_SECONDS = 20  # its queue is that of the codes that wait
CLEAN_SECONDS = 50


@shared_task
def otp_fallback() -> int:
    if installation.is_held():
        return 0
    until = time.monotonic() + FALLBACK_SECONDS
    return fallback.run_due(timezone.now(), lambda: stop_requested() or time.monotonic() > until)


@shared_task
def otp_cleanup() -> int:
    until = time.monotonic() + CLEAN_SECONDS
    return cleaning.clean(timezone.now(), until=until, stopped=stop_requested)
