"""What the fraud guard knows of each prefix and country, and its blocks."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

from django.db.models import Count, F, Q
from django.db.models.functions import TruncDay, TruncHour

from otp import conversion
from otp.choices import BlockReason, EntryKind, OtpChannel
from otp.models import BlockedPrefix, OtpEntry
from otp.models.audit import OtpEntryQuerySet

REFUSED = Count("pk", filter=Q(kind=EntryKind.REFUSED))


class Traffic(NamedTuple):
    """Codes by SMS in some time; `key` is a country, a prefix or the beginning of that time."""

    key: Any
    sends: int
    verified: int
    refused: int

    @property
    def conversion(self) -> float | None:
        """Verified of those sent, in percent; None when none was sent."""
        return 100 * self.verified / self.sends if self.sends else None


def by_country(*, since: datetime.datetime, until: datetime.datetime) -> list[Traffic]:
    """Most sends first."""
    rows = _entries(since, until).values(key=F("country"))
    return _traffic(rows, ("-sent", "key"))


def by_prefix(
    *, since: datetime.datetime, until: datetime.datetime, most: int = 100
) -> list[Traffic]:
    """Most sends and refusals first."""
    rows = _entries(since, until).values(key=F("prefix"))
    return _traffic(rows, ("-sent", "-refused", "key"), most)


def over_time(
    *, since: datetime.datetime, until: datetime.datetime, by: str = "hour"
) -> list[Traffic]:
    """In order of time; `by` is "hour" or "day". Hours in which nothing happened are left out."""
    cut = TruncDay("at") if by == "day" else TruncHour("at")
    return _traffic(_entries(since, until).values(key=cut), ("key",))


def _entries(since: datetime.datetime, until: datetime.datetime) -> OtpEntryQuerySet:
    rows = OtpEntry.objects.filter(channel=OtpChannel.SMS, is_test=False)
    return rows.filter(at__gte=since, at__lt=until)


def _traffic(rows: Any, order: tuple[str, ...], most: int | None = None) -> list[Traffic]:
    counted = rows.annotate(
        sent=conversion.SENT,
        not_sent=conversion.NOT_SENT,
        verified=conversion.VERIFIED,
        refused=REFUSED,
    )
    counted = counted.order_by(*order)
    return [
        Traffic(row["key"], row["sent"] - row["not_sent"], row["verified"], row["refused"])
        for row in counted[:most]
    ]


def block_prefix(
    prefix: str,
    *,
    at: datetime.datetime,
    by: Any = None,
    note: str = "",
    until: datetime.datetime | None = None,
    caller: str = "",
) -> BlockedPrefix:
    """`by` is a user, `caller` another system.

    A prefix that is blocked already keeps its block, with the new end.
    """
    found = conversion.block(prefix, BlockReason.OPERATOR, at=at, until=until, note=note, by=by)
    _tell(found, EntryKind.BLOCKED, at, by, caller)
    return found


def lift_block(
    block: BlockedPrefix, *, at: datetime.datetime, by: Any = None, caller: str = ""
) -> bool:
    """The prefix is judged anew, by what is sent from now on. False: it was lifted already."""
    if not BlockedPrefix.objects.filter(pk=block.pk, lifted_at=None).update(lifted_at=at):
        return False
    block.lifted_at = at
    _tell(block, EntryKind.LIFTED, at, by, caller)
    return True


def _tell(
    block: BlockedPrefix, kind: EntryKind, at: datetime.datetime, by: Any, caller: str
) -> None:
    studio = f"studio {by.get_username()}" if by else "studio"
    is_number = block.prefix.startswith("+")
    OtpEntry.objects.create(
        at=at,
        kind=kind,
        outcome=block.reason,
        detail=block.note,
        channel=OtpChannel.SMS if is_number else OtpChannel.EMAIL,
        prefix=block.prefix,
        caller=(caller or studio)[:60],
    )
