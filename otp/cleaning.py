"""What is over: requests whose time ended are called expired, old rows are deleted in chunks."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from omnichannel.retention import days_before
from otp.choices import ChallengeStatus
from otp.models import OtpChallenge, OtpCount, OtpEntry

CHUNK = 1_000
COUNTS_KEPT = datetime.timedelta(days=2)  # longer than any window of a limit


def clean(at: datetime.datetime, *, until: float, stopped: Callable[[], bool]) -> int:
    """Until nothing is left or `until` (time.monotonic()) has come; answers how many rows."""
    done = 0
    for rows in _old(at):
        while not stopped() and time.monotonic() < until:
            began = time.monotonic()
            gone = _delete(rows)
            done += gone
            if gone < CHUNK:
                break
            _pause(time.monotonic() - began)
    return done + _expire(at)


def _old(at: datetime.datetime) -> list[QuerySet[Any]]:
    found: list[QuerySet[Any]] = [OtpCount.objects.filter(touched_at__lt=at - COUNTS_KEPT)]
    if before := days_before(at, settings.OTP_KEEP_REQUESTS_DAYS):
        found.append(OtpChallenge.objects.filter(created_at__lt=before, expires_at__lt=at))
    if before := days_before(at, settings.OTP_KEEP_ENTRIES_DAYS):
        found.append(OtpEntry.objects.filter(at__lt=before))
    return found


def _delete(rows: QuerySet[Any]) -> int:
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[:CHUNK])
    if ids:
        rows.model._default_manager.filter(pk__in=ids).delete()
    return len(ids)


def _expire(at: datetime.datetime) -> int:
    over = OtpChallenge.objects.filter(status=ChallengeStatus.PENDING, expires_at__lte=at)
    ids = list(over.values_list("pk", flat=True)[:CHUNK])
    if not ids:
        return 0
    return over.filter(pk__in=ids).update(status=ChallengeStatus.EXPIRED, fallback_at=None)


def _pause(held: float) -> None:
    """SQLite has one writer at a time: the others get as long as this one had."""
    time.sleep(held if connection.vendor == "sqlite" else held / 10)
