"""A code that was entered is checked: counted first, then compared, then used up.

Each step is a conditional update whose rows are counted: however many checks come at once, no more
than the tries are compared, and one right code counts once.
"""

from __future__ import annotations

import datetime

from django.db import transaction
from django.db.models import F

from otp import codes, digests, limits, requests, trail
from otp.asking import Checked
from otp.choices import ChallengeStatus, EntryKind, Verdict
from otp.limits import Locked
from otp.models import OtpChallenge, OtpEntry
from otp.models.challenges import OtpChallengeQuerySet
from otp.wanted import configuration_of

# Of a request that is over, what a code for it comes to.
OVER = {
    ChallengeStatus.APPROVED: Verdict.USED,
    ChallengeStatus.EXPIRED: Verdict.EXPIRED,
    ChallengeStatus.EXHAUSTED: Verdict.EXHAUSTED,
}


def check(
    request_id: str,
    code: str,
    *,
    at: datetime.datetime,
    caller: str,
    purpose: str,
    client_ip: str,
    is_test: bool,
) -> Checked:
    found = requests.find(request_id, caller=caller, is_test=is_test)
    if found is None or (purpose and purpose != found.purpose):
        OtpEntry.objects.create(
            at=at,
            kind=EntryKind.CHECKED,
            outcome=Verdict.UNKNOWN,
            purpose=purpose[:40],
            caller=caller[:60],
            client_ip=client_ip or None,
            request_id=found.request_id if found else None,
            is_test=is_test,
        )
        return Checked(Verdict.UNKNOWN, 0, None)
    with transaction.atomic():
        verdict, left = _judge(found, codes.canonical(code), at)
        trail.of_challenge(
            found, EntryKind.CHECKED, at=at, outcome=verdict, client_ip=client_ip or None
        )
    found.refresh_from_db()
    return Checked(verdict, left, found)


def _judge(found: OtpChallenge, code: str, at: datetime.datetime) -> tuple[Verdict, int]:
    """The verdict, and the tries that are left."""
    others = list(requests.siblings(found))
    failures = _failures([found, *others], at)
    now = requests.locked(found)
    if now.status == ChallengeStatus.PENDING and now.expires_at <= at:
        requests.expire(now, at)
    if now.status != ChallengeStatus.PENDING:
        return OVER.get(ChallengeStatus(now.status), Verdict.UNKNOWN), 0
    if failures.full():
        trail.of_challenge(found, EntryKind.LOCKED, at=at, outcome="failures")
        return Verdict.EXHAUSTED, 0
    if not _count(now, at):
        _exhaust(now)
        return Verdict.EXHAUSTED, 0
    _count_shared(others, at)
    now.refresh_from_db()  # the code that is compared is the one whose try was counted
    if digests.matches(now, code):
        return (Verdict.APPROVED if _use_up(now, others, at) else Verdict.USED), 0
    failures.take()
    if now.tries_left == 0:
        _exhaust(now)
    return Verdict.INCORRECT, now.tries_left


def _failures(rows: list[OtpChallenge], at: datetime.datetime) -> Locked:
    by = configuration_of(rows[0].purpose)
    return Locked([limits.of_failures(by, row) for row in rows], at)


def _pending(pk: int) -> OtpChallengeQuerySet:
    return OtpChallenge.objects.filter(pk=pk, status=ChallengeStatus.PENDING, used_at__isnull=True)


def _count(row: OtpChallenge, at: datetime.datetime) -> bool:
    """Before it is compared. False: no try was left."""
    rows = _pending(row.pk).filter(tries_used__lt=F("tries_max"), expires_at__gt=at)
    return rows.update(tries_used=F("tries_used") + 1) == 1


def _count_shared(others: list[OtpChallenge], at: datetime.datetime) -> None:
    """One code behind two requests has the tries of one."""
    for row in others:
        _count(row, at)


def _use_up(row: OtpChallenge, others: list[OtpChallenge], at: datetime.datetime) -> bool:
    """Once. The other channel's request with the same code is settled with it."""
    values = {"status": ChallengeStatus.APPROVED, "used_at": at, "fallback_at": None}
    if _pending(row.pk).update(**values, fallback_to="") != 1:
        return False
    for other in others:
        _pending(other.pk).update(**values)
    return True


def _exhaust(row: OtpChallenge) -> None:
    _pending(row.pk).filter(tries_used__gte=F("tries_max")).update(
        status=ChallengeStatus.EXHAUSTED, fallback_at=None
    )
