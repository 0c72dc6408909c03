"""The audit trail: a chain of entries, each with a keyed digest over itself and the one before.

The key is derived from FIELD_ENCRYPTION_KEYS and not in the database: whoever edits, adds or
removes an entry there cannot make the chain fit again. The first key of the ring makes digests,
every key knows its own.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from integrations.choices import Operation
from integrations.models import AuditHead, EnvelopeEvent

HEAD = 1
PAGE = 2_000
SYSTEM = "system"


@dataclass(frozen=True)
class Entry:
    """What happened. The ids may be of rows that are deleted later. Never a part of a document."""

    operation: Operation
    text: str = ""
    mailbox: int | None = None
    envelope: int | None = None
    transmission: int | None = None
    rule: int | None = None
    actor: str = SYSTEM
    ip: str | None = None
    agent: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


def write(entries: Sequence[Entry], *, at: datetime.datetime) -> None:
    """Add to the end of the chain. Write late in a transaction: others wait until it commits."""
    if not entries:
        return
    key, rows = _keys()[0], []
    with transaction.atomic(savepoint=False):
        count, before = _held(len(entries))
        for number, entry in enumerate(entries, start=count - len(entries) + 1):
            row = _row(entry, number, at)
            row.digest = before = _digest(key, row, before)
            rows.append(row)
        EnvelopeEvent.objects.bulk_create(rows)
        AuditHead.objects.filter(pk=HEAD).update(digest=before)


def _held(more: int) -> tuple[int, str]:
    """Number and digest of the end, with room for `more`; nobody else has it until the commit."""
    found = _taken(more)
    if found is None:
        AuditHead.objects.get_or_create(pk=HEAD)
        found = _taken(more)
    return found or (more, "")


def _taken(more: int) -> tuple[int, str] | None:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [more, HEAD])
        return cursor.fetchone()


_TAKE = """
    UPDATE integrations_audithead SET count = count + %s WHERE id = %s RETURNING count, digest
"""


def _row(entry: Entry, number: int, at: datetime.datetime) -> EnvelopeEvent:
    return EnvelopeEvent(
        number=number,
        at=at,
        operation=entry.operation,
        actor=entry.actor[:150],
        ip=entry.ip,
        agent=entry.agent[:255],
        mailbox_id=entry.mailbox,
        envelope_id=entry.envelope,
        transmission_id=entry.transmission,
        rule_id=entry.rule,
        text=entry.text[:500],
        detail=entry.detail,
    )


def faults() -> Iterator[str]:
    """What does not fit, in the order of the chain. Nothing: it is whole."""
    before, expected = "", 1
    for row in EnvelopeEvent.objects.order_by("number").iterator(PAGE):
        if row.number != expected:
            yield f"Entries {expected} to {row.number - 1} are missing."
        elif not _fits(row, before):
            yield f"Entry {row.number} was changed, or the one before it."
        before, expected = row.digest, row.number + 1
    head = AuditHead.objects.filter(pk=HEAD).first()
    count, digest = (head.count, head.digest) if head else (0, "")
    if count != expected - 1:
        yield f"There should be {count} entries, the last one is {expected - 1}."
    elif digest != before:
        yield "The last entry was changed."


def _fits(row: EnvelopeEvent, before: str) -> bool:
    return any(hmac.compare_digest(_digest(key, row, before), row.digest) for key in _keys())


def _keys() -> list[bytes]:
    digests = (hashlib.sha256(key.encode()).digest() for key in settings.FIELD_ENCRYPTION_KEYS)
    return [hmac.digest(digest, b"audit trail", "sha256") for digest in digests]


def _digest(key: bytes, row: EnvelopeEvent, before: str) -> str:
    bound = [
        before,
        row.number,
        row.at.astimezone(datetime.UTC).isoformat(timespec="microseconds"),
        *(str(row.operation), row.actor, row.ip, row.agent),
        *(row.mailbox_id, row.envelope_id, row.transmission_id, row.rule_id),
        *(row.text, row.detail),
    ]
    return hmac.digest(key, json.dumps(bound, sort_keys=True).encode(), "sha256").hex()
