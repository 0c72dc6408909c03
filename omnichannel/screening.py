"""What a claimed message must still pass: its time has come, nobody objects to it, and its
address has not had enough.
"""

from __future__ import annotations

import datetime
import itertools
import json
from collections.abc import Collection, Sequence
from typing import Any

from django.db import connection

from omnichannel import caps, consents, notices
from omnichannel.addresses import split_addresses
from omnichannel.choices import MessageStatus
from omnichannel.claimed import AnyMessage, Claimed
from omnichannel.models import Message
from omnichannel.windows import is_open, next_opening

SUPPRESSED = "The address is on the suppression list."
COPIES = ("cc_addresses", "bcc_addresses")


def screen(messages: Sequence[Claimed], worker: str, at: datetime.datetime) -> list[Claimed]:
    """Settle the claimed messages that must not go at `at`; answer those that may."""
    barred = suppressed_addresses(messages)
    unconsented = consents.without(messages)
    good: list[Claimed] = []
    expired: list[int] = []
    suppressed: list[int] = []
    missing: list[int] = []
    for message in messages:
        if _is_over(message, at):
            expired.append(message.pk)
        elif (message.to_address.lower(), message.category) in barred:
            suppressed.append(message.pk)
        elif message.pk in unconsented:
            missing.append(message.pk)
        elif (opening := _opening(message, at)) > at:
            _settle([message.pk], worker, MessageStatus.SCHEDULED, at, due_at=opening)
        else:
            _leave_out(message, barred)
            good.append(message)
    for ids, status, text in (
        (expired, MessageStatus.EXPIRED, "Its time ended before it went."),
        (suppressed, MessageStatus.SUPPRESSED, SUPPRESSED),
        (missing, MessageStatus.SUPPRESSED, consents.NONE_ON_RECORD),
    ):
        _settle(ids, worker, status, at, error_message=text)
    held = caps.held_back(good, at)
    caps.settle(list(held.values()), worker, at)
    return [message for message in good if message.pk not in held]


def is_timely(message: AnyMessage, at: datetime.datetime) -> bool:
    """Not expired and in its own window: asked again when its turn comes in a slow batch."""
    return not _is_over(message, at) and is_open(at, message.interval_min, message.interval_max)


def _opening(message: AnyMessage, at: datetime.datetime) -> datetime.datetime:
    """From `at` on, the first moment after its start date and in its own window."""
    start = max(at, message.starts_at or at)
    return next_opening(start, message.interval_min, message.interval_max)


def _is_over(message: AnyMessage, at: datetime.datetime) -> bool:
    return message.expires_at is not None and message.expires_at <= at


def _leave_out(message: Claimed, barred: set[tuple[str, str]]) -> None:
    """Send no copy to a barred address. The row keeps what was asked for."""
    for field in COPIES if barred else ():
        kept = [
            address
            for address in split_addresses(getattr(message, field))
            if (address.lower(), message.category) not in barred
        ]
        setattr(message, field, "; ".join(kept))


def _settle(
    ids: Sequence[int],
    worker: str,
    status: MessageStatus,
    at: datetime.datetime,
    **fields: Any,
) -> None:
    if not ids:
        return
    mine = Message.objects.filter(pk__in=ids, status=MessageStatus.SENDING, claimed_by=worker)
    notices.move(mine, status, at=at, claimed_by="", lease_until=None, **fields)


def _addresses(message: AnyMessage) -> list[str]:
    if not (message.cc_addresses or message.bcc_addresses):
        return [message.to_address]
    copies = [split_addresses(getattr(message, field)) for field in COPIES]
    return [message.to_address, *itertools.chain(*copies)]


def suppressed_addresses(messages: Collection[AnyMessage]) -> set[tuple[str, str]]:
    """The (lower case address, category) pairs among these that must not be written to.

    All messages are of one channel; their provider must be loaded.
    """
    pairs = {
        (address.lower(), message.category)
        for message in messages
        for address in _addresses(message)
    }
    if not pairs:
        return set()
    channel_type = next(iter(messages)).provider.channel_type
    found = suppressions_of(channel_type, {address for address, _ in pairs})
    return {
        (address, category)
        for address, category in pairs
        if (address, "") in found or (address, category) in found
    }


def suppressions_of(channel_type: str, addresses: set[str]) -> set[tuple[str, str]]:
    """(address, category or "") of each suppression of these. The ORM would take five times as
    long to name five hundred addresses.
    """
    postgresql = connection.vendor == "postgresql"
    given = list(addresses) if postgresql else json.dumps(list(addresses))
    with connection.cursor() as cursor:
        cursor.execute(_SUPPRESSIONS[postgresql], [channel_type, given])
        return set(cursor.fetchall())


_SUPPRESSIONS = {
    False: """
        SELECT address, category FROM omnichannel_suppression
        WHERE channel_type = %s AND address IN (SELECT value FROM json_each(%s))
          AND lifted_at IS NULL AND (expires_at IS NULL OR expires_at > CURRENT_TIMESTAMP)
    """,
    True: """
        SELECT address, category FROM omnichannel_suppression
        WHERE channel_type = %s AND address = ANY(CAST(%s AS varchar[]))
          AND lifted_at IS NULL AND (expires_at IS NULL OR expires_at > CURRENT_TIMESTAMP)
    """,
}
