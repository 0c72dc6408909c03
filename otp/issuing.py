"""A code is made: one row, in one transaction, of which all but the code is written down."""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass
from typing import NamedTuple

from django.db import transaction

from otp import codes, digests, guard, limits, requests, trail
from otp.choices import ChallengeStatus, EntryKind, OtpChannel, Refusal
from otp.guard import Passed, Refused
from otp.limits import Limit, Locked
from otp.models import OtpChallenge
from otp.models.challenges import OtpChallengeQuerySet
from otp.wanted import Wanted

# The columns of a request that a further code for it changes.
RENEWED = (
    *("status", "kind", "length", "tries_max", "tries_used", "sends", "sent_at", "expires_at"),
    *("resend_at", "used_at", "is_shared", "message", "provider", "template_version"),
    *("client_ip", "fallback_to", "fallback_at", "key_id", "digest"),
)


class Issued(NamedTuple):
    """The code is in memory only: see `omnichannel.unkept`."""

    challenge: OtpChallenge
    code: str
    counted: tuple[Limit, ...] = ()  # what is given back when nothing could be handed over


@dataclass(frozen=True, slots=True)
class Together:
    """What the channels of one send have in common. `code`: when it is the same for both."""

    group: uuid.UUID
    code: str = ""
    fallback_of: OtpChallenge | None = None
    is_asked_for: bool = False  # a fallback that did not come by itself: all limits hold for it


def issue(wanted: Wanted, together: Together, *, at: datetime.datetime) -> Issued | Refused:
    """A new request, which takes the place of the one before it."""
    with transaction.atomic():
        is_fallback = together.fallback_of is not None and not together.is_asked_for
        locked = guard.lock(wanted, at, is_fallback=is_fallback)
        before = _same(wanted).order_by("-id").first()
        passed = guard.check(wanted, at, locked, before=before, is_fallback=is_fallback)
        if isinstance(passed, Refused):
            return _refused(wanted, passed, at)
        if together.fallback_of and not _give_way(together.fallback_of):
            return Refused(Refusal.UNKNOWN)
        _same(wanted).filter(status=ChallengeStatus.PENDING).update(status=ChallengeStatus.REPLACED)
        challenge = _row(wanted, together, passed, at)
        code = _code(wanted, together.code)
        challenge.key_id, challenge.digest = digests.digest(challenge, code)
        challenge.save(force_insert=True)
    return Issued(challenge, code, _counted(wanted, locked))


def issue_again(
    challenge: OtpChallenge, wanted: Wanted, *, at: datetime.datetime
) -> Issued | Refused:
    """A new code for the same request: the one before is void, whatever becomes of this one."""
    with transaction.atomic():
        locked = guard.lock(wanted, at)
        before = requests.locked(challenge)
        if before.status not in ChallengeStatus.resendable():
            return Refused(Refusal.UNKNOWN)
        passed = guard.check(wanted, at, locked, before=before)
        if isinstance(passed, Refused):
            return _refused(wanted, passed, at, before)
        others = _same(wanted).filter(status=ChallengeStatus.PENDING).exclude(pk=before.pk)
        others.update(status=ChallengeStatus.REPLACED)
        if before.is_shared:
            requests.siblings(before).update(status=ChallengeStatus.REPLACED)
        asked_for = OtpChallenge.objects.filter(
            pk=before.pk,
            status=before.status,
            digest=before.digest,
            tries_used=before.tries_used,
        )
        again = _renewed(before, wanted, passed, at)
        code = _code(wanted, "")
        again.key_id, again.digest = digests.digest(again, code)
        if not _renew(again, asked_for):  # a check of the old code was quicker
            return Refused(Refusal.UNKNOWN)
    return Issued(again, code, _counted(wanted, locked))


def _counted(wanted: Wanted, locked: Locked) -> tuple[Limit, ...]:
    return () if wanted.fixed_code else tuple(locked.limits)


def _renew(row: OtpChallenge, still: OtpChallengeQuerySet) -> bool:
    return bool(still.update(**{name: getattr(row, name) for name in RENEWED}))


def _code(wanted: Wanted, shared: str) -> str:
    return wanted.fixed_code or shared or codes.generate(wanted.length, wanted.configuration.kind)


def _same(wanted: Wanted) -> OtpChallengeQuerySet:
    return OtpChallenge.objects.filter(
        caller=wanted.caller,
        purpose=wanted.purpose,
        destination=wanted.destination.address,
        is_test=wanted.is_test,
    )


def _give_way(old: OtpChallenge) -> bool:
    """False: it was settled meanwhile, and there is nothing to fall back from."""
    rows = OtpChallenge.objects.filter(
        pk=old.pk, status__in=(ChallengeStatus.PENDING, ChallengeStatus.FAILED)
    )
    return bool(rows.update(status=ChallengeStatus.REPLACED, fallback_at=None, fallback_to=""))


def _row(wanted: Wanted, together: Together, passed: Passed, at: datetime.datetime) -> OtpChallenge:
    to = wanted.destination
    row = OtpChallenge(
        group=together.group,
        configuration=wanted.configuration if wanted.configuration.pk else None,
        purpose=wanted.purpose,
        channel=to.channel,
        destination=to.address,
        prefix=to.prefix,
        country=to.country,
        caller=wanted.caller,
        is_shared=bool(together.code),
        client_ip=wanted.client_ip,
        user_agent=wanted.user_agent,
        is_test=wanted.is_test,
        fallback_of=together.fallback_of,
        context=dict(wanted.context),
        created_at=at,
    )
    return _timed(row, wanted, passed, at)


def _renewed(
    row: OtpChallenge, wanted: Wanted, passed: Passed, at: datetime.datetime
) -> OtpChallenge:
    row.tries_used = 0
    row.is_shared = False
    row.used_at = row.message = row.provider = row.template_version = None
    row.client_ip = wanted.client_ip or row.client_ip
    return _timed(row, wanted, passed, at)


def _timed(
    row: OtpChallenge, wanted: Wanted, passed: Passed, at: datetime.datetime
) -> OtpChallenge:
    by = wanted.configuration
    row.status = ChallengeStatus.PENDING
    row.kind, row.length, row.tries_max = by.kind, wanted.length, wanted.tries
    row.sends, row.sent_at = passed.sends, at
    row.expires_at = at + wanted.life
    row.resend_at = at + limits.wait_after(by, passed.sends)
    row.fallback_to, row.fallback_at = wanted.fallback_to, None
    if wanted.fallback_to and by.fallback_after and wanted.channel == OtpChannel.SMS:
        row.fallback_at = at + datetime.timedelta(seconds=by.fallback_after)
    return row


def _refused(
    wanted: Wanted, refused: Refused, at: datetime.datetime, row: OtpChallenge | None = None
) -> Refused:
    trail.of_destination(
        wanted.destination,
        EntryKind.REFUSED,
        at=at,
        outcome=refused.refusal,
        purpose=wanted.purpose,
        caller=wanted.caller,
        client_ip=wanted.client_ip,
        is_test=wanted.is_test,
        request_id=row.request_id if row else None,
    )
    return refused
