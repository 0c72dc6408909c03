"""Requests as callers name them: by the id they were given, and only their own."""

from __future__ import annotations

import datetime
import uuid

from otp import trail
from otp.choices import ChallengeStatus, EntryKind
from otp.models import OtpChallenge
from otp.models.challenges import OtpChallengeQuerySet

RELATED = ("provider", "template_version__template", "fallback")


def find(request_id: str, *, caller: str, is_test: bool | None = None) -> OtpChallenge | None:
    """The caller's request, or what it fell back to: who holds the first id need not know."""
    key = _uuid(request_id)
    if key is None:
        return None
    rows = OtpChallenge.objects.select_related(*RELATED).filter(request_id=key, caller=caller)
    if is_test is not None:
        rows = rows.filter(is_test=is_test)
    found = rows.first()
    while found and (later := getattr(found, "fallback", None)):
        found = OtpChallenge.objects.select_related(*RELATED).get(pk=later.pk)
    return found


def siblings(challenge: OtpChallenge) -> OtpChallengeQuerySet:
    """Those that may still be checked and have the same code."""
    rows = OtpChallenge.objects.filter(group=challenge.group, is_shared=challenge.is_shared)
    pending = rows.filter(status=ChallengeStatus.PENDING).exclude(pk=challenge.pk)
    return pending if challenge.is_shared else pending.none()


def locked(challenge: OtpChallenge) -> OtpChallenge:
    """As it is now, and nobody else changes it before this transaction ends.

    With those that have the same code, always in the same order: nobody waits in a circle.
    """
    if not challenge.is_shared:
        return OtpChallenge.objects.select_for_update().get(pk=challenge.pk)
    rows = OtpChallenge.objects.select_for_update().filter(group=challenge.group)
    return {row.pk: row for row in rows.order_by("pk")}[challenge.pk]


def cancel(request_id: str, *, at: datetime.datetime, caller: str) -> bool:
    found = find(request_id, caller=caller)
    if found is None:
        return False
    mine = OtpChallenge.objects.filter(pk=found.pk, status=ChallengeStatus.PENDING)
    if not mine.update(status=ChallengeStatus.CANCELLED, fallback_at=None):
        return False
    siblings(found).update(status=ChallengeStatus.CANCELLED, fallback_at=None)
    trail.of_challenge(found, EntryKind.CANCELLED, at=at)
    return True


def status_of(request_id: str, *, at: datetime.datetime, caller: str) -> OtpChallenge | None:
    found = find(request_id, caller=caller)
    if found and found.status == ChallengeStatus.PENDING and found.expires_at <= at:
        expire(found, at)
    return found


def expire(challenge: OtpChallenge, at: datetime.datetime) -> None:
    rows = OtpChallenge.objects.filter(
        pk=challenge.pk, status=ChallengeStatus.PENDING, expires_at__lte=at
    )
    if rows.update(status=ChallengeStatus.EXPIRED, fallback_at=None):
        challenge.status = ChallengeStatus.EXPIRED


def _uuid(text: str) -> uuid.UUID | None:
    """As it was given: 32 hex digits, with or without hyphens."""
    try:
        return uuid.UUID(text) if isinstance(text, str) and len(text) in (32, 36) else None
    except ValueError:
        return None
