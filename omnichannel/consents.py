"""Who agreed to be written to about what: words that are only added, the newest counts."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import attrgetter

from django.db.models import OuterRef, Subquery, Value
from django.db.models.expressions import Expression
from django.db.models.functions import Coalesce, Lower

from omnichannel.claimed import AnyMessage
from omnichannel.models import Consent

CHUNK = 1_000  # rows of one statement
KEY = ("channel_type", "address", "category", "is_granted", "at")  # the same word, if equal
NONE_ON_RECORD = "No consent on record."


@dataclass(frozen=True, slots=True)
class Proof:
    """How a word was given: when (UTC), where, on which text shown, from which address."""

    at: datetime.datetime
    source: str = ""
    wording: str = ""
    ip: str | None = None


def give(channel_type: str, address: str, category: str, proof: Proof) -> Consent:
    """The person agrees to be written to."""
    row = row_of(channel_type, address, category, proof, is_granted=True)
    row.save(force_insert=True)
    return row


def withdraw(channel_type: str, address: str, category: str, proof: Proof) -> Consent:
    """The person takes their consent back."""
    row = row_of(channel_type, address, category, proof, is_granted=False)
    row.save(force_insert=True)
    return row


def row_of(
    channel_type: str, address: str, category: str, proof: Proof, *, is_granted: bool
) -> Consent:
    """The word as a row that is not saved yet."""
    return Consent(
        channel_type=channel_type,
        address=address.lower(),
        category=category,
        is_granted=is_granted,
        source=proof.source[:120],
        wording=proof.wording,
        ip=proof.ip,
        at=proof.at,
    )


def add(rows: Sequence[Consent]) -> int:
    """Keep many words but those that are known already; answer how many were new."""
    return sum(_add(rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK))


def _add(rows: Sequence[Consent]) -> int:
    key_of = attrgetter(*KEY)
    known = set(Consent.objects.filter(address__in={row.address for row in rows}).values_list(*KEY))
    new = {key: row for row in rows if (key := key_of(row)) not in known}
    return len(Consent.objects.bulk_create(new.values()))


def latest(channel_type: str, category: str, addresses: Collection[str]) -> dict[str, bool]:
    """{lower case address: whether its newest word is a consent} of those with a word at all."""
    found: dict[str, bool] = {}
    wanted = sorted({address.lower() for address in addresses})
    for start in range(0, len(wanted), CHUNK):
        words = Consent.objects.filter(
            channel_type=channel_type,
            category=category,
            address__in=wanted[start : start + CHUNK],
        )
        newest_last = words.newest_first().reverse()
        found.update(newest_last.values_list("address", "is_granted"))
    return found


def is_granted_to(address: str, channel_type: str, category: str) -> Expression:
    """The same for each row of a query, as an expression; `address` names its column."""
    words = Consent.objects.filter(
        channel_type=channel_type, category=category, address=Lower(OuterRef(address))
    )
    return Coalesce(Subquery(words.newest_first().values("is_granted")[:1]), Value(False))


def without(messages: Collection[AnyMessage]) -> set[int]:
    """The keys of those whose job asks for a consent that is not on record.

    All are of one channel; their provider must be loaded. No query when no job asks.
    """
    asking = [message for message in messages if message.job and message.job.needs_consent]
    missing: set[int] = set()
    for category in {message.category for message in asking}:
        mine = [message for message in asking if message.category == category]
        known = latest(mine[0].provider.channel_type, category, [each.to_address for each in mine])
        missing.update(each.pk for each in mine if not known.get(each.to_address.lower()))
    return missing
