"""The ticks of this app. Each finds rows in a state and moves them on."""

from __future__ import annotations

import time

from celery import shared_task
from django.utils import timezone

from omnichannel import delivery, recovery
from omnichannel.choices import Category
from omnichannel.lifecycle import stop_requested

SEND_SECONDS = 50


@shared_task
def send_otp() -> int:
    return delivery.send_due((Category.OTP,), until=_until(), stopped=stop_requested)


@shared_task
def send_transactional() -> int:
    return delivery.send_due((Category.TRANSACTIONAL,), until=_until(), stopped=stop_requested)


@shared_task
def send_promotional() -> int:
    return delivery.send_due((Category.PROMOTIONAL,), until=_until(), stopped=stop_requested)


@shared_task
def promote_due_messages() -> int:
    return recovery.promote(timezone.now())


@shared_task
def expire_messages() -> int:
    return recovery.expire(timezone.now())


@shared_task
def recover_messages() -> int:
    return recovery.recover(timezone.now())


def _until() -> float:
    return time.monotonic() + SEND_SECONDS
