"""Whether the codes that go to a prefix are ever entered.

Who has codes sent to numbers of their own to earn from each SMS does not enter them. A prefix of
which too few are is blocked for a day; lifting the block judges it by what comes from then on.
"""

from __future__ import annotations

import datetime
import logging
from typing import Any

from django.db.models import Count, Q

from otp import trail
from otp.choices import BlockReason, EntryKind, OtpChannel, Verdict
from otp.models import BlockedPrefix, OtpEntry
from otp.wanted import Wanted

logger = logging.getLogger(__name__)

LOOKS_BACK = datetime.timedelta(days=1)
BLOCKED_FOR = datetime.timedelta(days=1)

SENT = Count("pk", filter=Q(kind=EntryKind.SENT))
NOT_SENT = Count("pk", filter=Q(kind=EntryKind.NOT_SENT, message_id__isnull=False))
VERIFIED = Count("pk", filter=Q(kind=EntryKind.CHECKED, outcome=Verdict.APPROVED))


def judge(wanted: Wanted, at: datetime.datetime) -> bool:
    """Block the prefix when it is to be blocked; answers that."""
    by, prefix = wanted.configuration, wanted.destination.prefix
    if wanted.is_test or not by.conversion_floor_percent:
        return False
    sends, verified = of_prefix(prefix, at)
    is_low = 100 * verified < by.conversion_floor_percent * sends
    if sends < by.conversion_after or not is_low:
        return False
    note = f"{verified:,} of {sends:,} codes were entered within 24 hours."
    block(prefix, BlockReason.CONVERSION, at=at, until=at + BLOCKED_FOR, note=note)
    trail.of_destination(
        wanted.destination,
        EntryKind.BLOCKED,
        at=at,
        outcome=BlockReason.CONVERSION,
        detail=note,
        purpose=wanted.purpose,
    )
    logger.warning("One-time passwords to %s are blocked: %s", prefix, note)
    return True


def of_prefix(prefix: str, at: datetime.datetime) -> tuple[int, int]:
    """(sent, verified) of what counts now."""
    since = at - LOOKS_BACK
    lifted = BlockedPrefix.objects.filter(prefix=prefix, lifted_at__gt=since)
    if last := lifted.order_by("-lifted_at").values_list("lifted_at", flat=True).first():
        since = last
    rows = OtpEntry.objects.filter(
        prefix=prefix, at__gt=since, channel=OtpChannel.SMS, is_test=False
    )
    found = rows.order_by().aggregate(sent=SENT, not_sent=NOT_SENT, verified=VERIFIED)
    return found["sent"] - found["not_sent"], found["verified"]


def block(
    prefix: str,
    reason: BlockReason,
    *,
    at: datetime.datetime,
    until: datetime.datetime | None,
    note: str = "",
    by: Any = None,
) -> BlockedPrefix:
    """One that is over makes room for the new one; one in force gets the new end."""
    over = BlockedPrefix.objects.filter(prefix=prefix, lifted_at=None, until__lte=at)
    over.update(lifted_at=at)
    found, is_new = BlockedPrefix.objects.get_or_create(
        prefix=prefix,
        lifted_at=None,
        defaults={
            "reason": reason,
            "until": until,
            "note": note[:255],
            "created_by": by,
            "created_at": at,
        },
    )
    if not is_new:
        found.until, found.note, found.reason = until, note[:255] or found.note, reason
        found.save(update_fields=["until", "note", "reason"])
    return found
