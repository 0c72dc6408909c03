"""What a claimed message must still pass: it is not expired, not suppressed, in its window."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q

from omnichannel.addresses import split_addresses
from omnichannel.choices import MessageStatus
from omnichannel.models import Message, Suppression
from omnichannel.windows import is_open, next_opening

COPIES = ("cc_addresses", "bcc_addresses")


def screen(messages: Sequence[Message], worker: str, at: datetime.datetime) -> list[Message]:
    """Settle the claimed messages that must not go at `at`; answer those that may."""
    barred = suppressed_addresses(messages)
    good: list[Message] = []
    expired: list[int] = []
    suppressed: list[int] = []
    for message in messages:
        if _is_over(message, at):
            expired.append(message.pk)
        elif (message.to_address.lower(), message.category) in barred:
            suppressed.append(message.pk)
        elif not is_open(at, message.interval_min, message.interval_max):
            due_at = next_opening(at, message.interval_min, message.interval_max)
            _settle([message.pk], worker, MessageStatus.SCHEDULED, due_at=due_at)
        else:
            _leave_out(message, barred)
            good.append(message)
    _settle(expired, worker, MessageStatus.EXPIRED, error_message="Its time ended before it went.")
    _settle(
        suppressed,
        worker,
        MessageStatus.SUPPRESSED,
        error_message="The address is on the suppression list.",
    )
    return good


def is_timely(message: Message, at: datetime.datetime) -> bool:
    """Not expired and in its own window: asked again when its turn comes in a slow batch."""
    return not _is_over(message, at) and is_open(at, message.interval_min, message.interval_max)


def _is_over(message: Message, at: datetime.datetime) -> bool:
    return message.expires_at is not None and message.expires_at <= at


def _leave_out(message: Message, barred: set[tuple[str, str]]) -> None:
    """Send no copy to a barred address. The row keeps what was asked for."""
    for field in COPIES if barred else ():
        kept = [
            address
            for address in split_addresses(getattr(message, field))
            if (address.lower(), message.category) not in barred
        ]
        setattr(message, field, "; ".join(kept))


def _settle(ids: Sequence[int], worker: str, status: MessageStatus, **fields: Any) -> None:
    if ids:
        Message.objects.filter(pk__in=ids, status=MessageStatus.SENDING, claimed_by=worker).update(
            status=status, claimed_by="", lease_until=None, **fields
        )


def _addresses(message: Message) -> list[str]:
    copies = [split_addresses(getattr(message, field)) for field in COPIES]
    return [message.to_address, *itertools.chain(*copies)]


def suppressed_addresses(messages: Iterable[Message]) -> set[tuple[str, str]]:
    """The (lower case address, category) pairs among these that must not be written to.

    All messages are of one provider, which must be loaded.
    """
    pairs = {
        (address.lower(), message.category)
        for message in messages
        for address in _addresses(message)
    }
    channel_types = {message.provider.channel_type for message in messages}
    if not pairs:
        return set()
    found = set(
        Suppression.objects.filter(
            Q(channel_type__in=channel_types), address__in={address for address, _ in pairs}
        ).values_list("address", "category")
    )
    return {
        (address, category)
        for address, category in pairs
        if (address, "") in found or (address, category) in found
    }
