"""Which message an event is about, and which address."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from django.conf import settings

from omnichannel.addresses import MAX_PUSH_TOKEN, clean_address, split_addresses
from omnichannel.exceptions import InvalidMessage
from omnichannel.models import Message
from omnichannel.tracked_rows import among

_COLUMNS = (
    "id",
    "provider_id",
    "key",
    "external_id",
    "status",
    "category",
    "to_address",
    "cc_addresses",
    "bcc_addresses",
)


class Addressee(NamedTuple):
    """A message that events are about, as it was read."""

    pk: int
    provider_id: int
    key: UUID
    external_id: str
    status: str
    category: str
    to_address: str
    cc_addresses: str
    bcc_addresses: str

    def is_copy(self, address: str) -> bool:
        """Is it one of the further recipients? The message itself is the one to its To Address."""
        if not address or not (self.cc_addresses or self.bcc_addresses):
            return False
        if address.lower() == self.to_address.lower():
            return False
        copies = split_addresses(f"{self.cc_addresses};{self.bcc_addresses}")
        return address.lower() in {copy.lower() for copy in copies}


class Event(Protocol):
    @property
    def pk(self) -> int: ...
    @property
    def provider_id(self) -> int: ...
    @property
    def key(self) -> UUID | None: ...
    @property
    def external_id(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def at(self) -> datetime.datetime: ...


def find(events: Sequence[Event]) -> dict[int, Addressee]:
    """{event's pk: its message}: by our key, else by the provider's own id.

    A message of another provider is never found.
    """
    keys = {event.key for event in events if event.key}
    ids = {event.external_id for event in events if event.external_id and not event.key}
    by_key = {row.key: row for row in _read(key__in=among(keys))} if keys else {}
    by_id: dict[tuple[int, str], list[Addressee]] = {}
    if ids:
        providers = {event.provider_id for event in events}
        for row in _read(provider__in=providers, external_id__in=ids - {""}):
            by_id.setdefault((row.provider_id, row.external_id), []).append(row)
    found: dict[int, Addressee] = {}
    for event in events:
        if event.key:
            message = by_key.get(event.key)
        else:
            message = _nearest(by_id.get((event.provider_id, event.external_id), []), event.address)
        if message is not None and message.provider_id == event.provider_id:
            found[event.pk] = message
    return found


def _read(**wanted: object) -> list[Addressee]:
    rows = Message.objects.filter(**wanted).order_by()
    return [Addressee._make(row) for row in rows.values_list(*_COLUMNS)]


def _nearest(rows: list[Addressee], address: str) -> Addressee | None:
    """Several may share one id of the vendor's: then the recipient tells."""
    same = [row for row in rows if row.to_address.lower() == address.lower()]
    return min(same or rows, key=lambda row: row.pk, default=None)


def address_of(event: Event, message: Addressee | None, channel_type: str) -> str:
    """The address an event speaks of, as it is stored; empty when it cannot be one of ours."""
    if message is not None and not message.is_copy(event.address):
        return message.to_address
    try:
        found = clean_address(channel_type, event.address, settings.DEFAULT_PHONE_REGION)
    except InvalidMessage:
        return ""
    return found if len(found.lower()) <= MAX_PUSH_TOKEN else ""  # some letters grow
