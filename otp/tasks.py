"""The ticks of this app."""

from __future__ import annotations

import time

from celery import shared_task
from django.utils import timezone

from omnichannel import installation
from omnichannel.lifecycle import stop_requested
from otp import cleaning, fallback

CLEAN_SECONDS = 50


@shared_task
def otp_fallback() -> int:
    if installation.is_held():
        return 0
    return fallback.run_due(timezone.now(), stop_requested)


@shared_task
def otp_cleanup() -> int:
    until = time.monotonic() + CLEAN_SECONDS
    return cleaning.clean(timezone.now(), until=until, stopped=stop_requested)
