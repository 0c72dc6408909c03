"""Who works on a row: a claim is one conditional update, and it ends with its lease.

The claim's token is of that claim alone, so that a worker that comes back late finds out that the
row is another's by now.
"""

from __future__ import annotations

import datetime
import os
import secrets
import socket
from itertools import takewhile
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from integrations.models import EnvelopeDelivery, Transmission

LEASE = datetime.timedelta(minutes=10)
LATER = datetime.timedelta(minutes=1)  # when somebody else is busy
NOT_NOW = ("busy",)  # codes of errors that are nobody's fault: it is tried again then
MOST_ATTEMPTS = 5  # a document that so many workers began and none ended may be what kills them

Row = TypeVar("Row", Transmission, EnvelopeDelivery)


def to_look_at(rows: QuerySet[Row]) -> QuerySet[Row]:
    """Those that are not over, by the index of them: SQLite wants its condition word for word."""
    if rows.model is Transmission:
        return rows.extra(
            where=["integrations_transmission.status IN ('received', 'working', 'queued', 'sent')"]
        )
    return rows.extra(where=["integrations_envelopedelivery.status IN ('received', 'working')"])


def claim(
    rows: QuerySet[Row], at: datetime.datetime, most: int, *, free: str = "received"
) -> tuple[str, list[int]]:
    """Take up to `most` of these rows: those that are `free`, or left by a worker that is gone.

    One that was left is taken alone: if it kills its worker, it takes no others along. Answers the
    claim's token and the ids in order.
    """
    token = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(8)}"
    takeable = Q(status=free) | Q(status="working", lease_until__lte=at)
    skips = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        chosen = to_look_at(rows).filter(takeable).order_by("pk")
        if skips:
            chosen = chosen.select_for_update(skip_locked=True, of=("self",))
        found = list(chosen.values_list("pk", "attempts")[:most])
        ids = [pk for pk, _ in takewhile(lambda row: not row[1], found)]
        ids = ids or [pk for pk, _ in found[:1]]
        if ids:
            rows.model._default_manager.filter(takeable, pk__in=ids).update(
                status="working",
                claimed_by=token,
                lease_until=at + LEASE,
                attempts=F("attempts") + 1,
            )
    return token, ids


def give_back(rows: QuerySet[Row], token: str, *, free: str = "received") -> int:
    """What this claim has not come to yet is free again, as if it had never been claimed."""
    mine = rows.filter(claimed_by=token, status="working")
    return mine.update(status=free, claimed_by="", lease_until=None, attempts=F("attempts") - 1)


def end(row: Transmission | EnvelopeDelivery, status: str, **fields: Any) -> bool:
    """Move a row that is ours to `status`; False when it is another's by now."""
    mine: QuerySet[Any] = type(row)._default_manager.filter(
        pk=row.pk, status="working", claimed_by=row.claimed_by
    )
    ended = mine.update(status=status, claimed_by="", lease_until=None, **fields)
    return bool(ended)


def postpone(row: Transmission | EnvelopeDelivery, until: datetime.datetime) -> bool:
    """It cannot be done now: it is claimed again then, and this time does not count."""
    mine: QuerySet[Any] = type(row)._default_manager.filter(
        pk=row.pk, status="working", claimed_by=row.claimed_by
    )
    return bool(mine.update(claimed_by="", lease_until=until, attempts=F("attempts") - 1))
