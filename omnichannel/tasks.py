"""The ticks of this app. Each finds rows in a state and moves them on."""

from __future__ import annotations

import time

from celery import shared_task
from django.utils import timezone

from omnichannel import (
    alone,
    bounces,
    database_care,
    delivery,
    enclosures,
    heartbeat,
    installation,
    receipts,
    recovery,
    releasing,
    retention,
    turns,
    uncertain,
    webhook_calls,
    webhook_walk,
)
from omnichannel.choices import Category
from omnichannel.lifecycle import stop_requested
from omnichannel.submissions import ends

SEND_SECONDS = 50
PURGE_SECONDS = 50
APPLY_SECONDS = 50
READ_SECONDS = 50
RELEASE_SECONDS = 20
CALL_SECONDS = 30


@shared_task
def send_otp() -> int:
    return _send(Category.OTP)


@shared_task
def send_transactional() -> int:
    return _send(Category.TRANSACTIONAL)


@shared_task
def send_promotional() -> int:
    with turns.turn() as seconds:
        return _send(Category.PROMOTIONAL, seconds)


@shared_task
def apply_receipts() -> int:
    """One process is fast enough. More, one a second while a burst lasts, would leave none for
    the other ticks of their queue.
    """
    until = time.monotonic() + APPLY_SECONDS
    with alone.alone(alone.RECEIPTS) as is_mine:
        return receipts.apply_due(timezone.now(), until, stop_requested) if is_mine else 0


@shared_task
def read_bounces() -> int:
    if installation.is_held():  # a copy would take the mails of the other one
        return 0
    until = time.monotonic() + READ_SECONDS
    return bounces.read_due(timezone.now(), until, stop_requested)


@shared_task
def tell_webhooks() -> int:
    """From what happened to calls that are due."""
    if installation.is_held():  # a copy has told, or will tell, the same
        return 0
    return webhook_walk.walk(timezone.now(), time.monotonic() + CALL_SECONDS, stop_requested)


@shared_task
def call_webhooks() -> int:
    if installation.is_held():
        return 0
    until = time.monotonic() + CALL_SECONDS
    return webhook_calls.call_due(timezone.now(), until, stop_requested)


@shared_task
def promote_due_messages() -> int:
    return recovery.promote(timezone.now())


@shared_task
def expire_messages() -> int:
    return recovery.expire(timezone.now())


@shared_task
def recover_messages() -> int:
    return recovery.recover(timezone.now())


@shared_task
def watch_uncertain_messages() -> int:
    return uncertain.tell_overdue(timezone.now())


@shared_task
def release_held() -> int:
    """Sending is not held for ever: what an operator decided is done."""
    return releasing.go_on(timezone.now(), until=time.monotonic() + RELEASE_SECONDS)


@shared_task
def watch_database() -> int:
    return database_care.watch()


@shared_task
def finish_jobs() -> int:
    """Those that other systems submitted; a campaign's end with the campaign."""
    return ends.finish(timezone.now())


@shared_task
def purge_old() -> int:
    until = time.monotonic() + PURGE_SECONDS
    limits = retention.limits(timezone.now())
    if not installation.is_held():  # a copy may share the folder with the one it was made of
        enclosures.remove_unused(timezone.now())
    return retention.purge(limits, until=until, stopped=stop_requested).messages


def _send(category: Category, seconds: float = SEND_SECONDS) -> int:
    until = time.monotonic() + seconds
    count = delivery.send_due((category,), until=until, stopped=stop_requested)
    heartbeat.messages.add(count)
    return count
