"""Which message of ours a report is about, and whether it is to be believed.

A valid token of the return path proves it: only who got the message knows it. Without one, the
message must have been handed over by this provider, and the report must name its recipient.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable

from django.db.models import Q

from omnichannel.addresses import split_addresses
from omnichannel.backends.base import TrackingEvent
from omnichannel.choices import MessageStatus
from omnichannel.models import Message
from omnichannel.returned import Recipient, Returned

OLDEST = datetime.timedelta(days=60)  # an earlier date than this is not believed


def events_of(provider_id: int, returned: Returned, at: datetime.datetime) -> list[TrackingEvent]:
    """What a mail tells of messages that this provider has handed over."""
    if not returned.recipients:
        return []
    if returned.proven:
        for message in _handed_over(provider_id, returned.proven):
            if found := _told(message, returned, at, is_proven=True):
                return found
    for message in _handed_over(provider_id, returned.named):
        if found := _told(message, returned, at, is_proven=False):
            return found
    return []


def _handed_over(provider_id: int, keys: Iterable[str]) -> list[Message]:
    keys = list(keys)
    if not keys:
        return []
    rows = Message.objects.filter(
        Q(attempts__gt=0) | Q(status=MessageStatus.SENDING), provider=provider_id, key__in=keys
    ).only("key", "to_address", "cc_addresses", "bcc_addresses")
    return sorted(rows, key=lambda row: keys.index(str(row.key)))


def _told(
    message: Message, returned: Returned, at: datetime.datetime, *, is_proven: bool
) -> list[TrackingEvent]:
    own = {message.to_address.lower(): message.to_address}
    copies = split_addresses(f"{message.cc_addresses};{message.bcc_addresses}")
    own |= {copy.lower(): copy for copy in copies if copy.lower() not in own}
    events: dict[str, TrackingEvent] = {}
    for recipient in returned.recipients:
        address = next((own[a.lower()] for a in recipient.addresses if a.lower() in own), "")
        if not address and is_proven and len(own) == 1:
            address = message.to_address  # its mail was sent on to another address
        if address:
            event = _event(message, recipient, address, returned, at)
            events.setdefault(event.event_id, event)
    return list(events.values())


def _event(
    message: Message,
    recipient: Recipient,
    address: str,
    returned: Returned,
    at: datetime.datetime,
) -> TrackingEvent:
    """The same mail gives the same id however often it is read."""
    says = (returned.report_id, str(message.key), address.lower(), recipient.type)
    digest = hashlib.sha256("\0".join(says).encode("utf-8", "replace")).hexdigest()
    return TrackingEvent(
        type=recipient.type,
        at=_moment(returned.at, at),
        key=str(message.key),
        event_id=f"mail-{digest[:48]}",
        code=recipient.code,
        description=recipient.text,
        outcome=recipient.outcome,
        address=address,
    )


def _moment(told: datetime.datetime | None, now: datetime.datetime) -> datetime.datetime:
    """The mail's own date, unless it cannot be."""
    return told if told is not None and now - OLDEST <= told <= now else now
