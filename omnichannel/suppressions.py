"""Who must not be written to: every word for or against it, in whatever order the words arrive."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from omnichannel.choices import SuppressionReason
from omnichannel.models import Suppression
from omnichannel.models.suppression import SuppressionQuerySet

CHUNK = 1_000  # rows of one statement


@dataclass(frozen=True, slots=True)
class Word:
    """Somebody said that an address must not be written to, or (`lifts`) that it may be again.

    `at` (UTC) is when it was said, not when we heard of it. A word lifts its own reason only.
    """

    channel_type: str
    address: str
    reason: str  # choices.SuppressionReason
    at: datetime.datetime
    category: str = ""  # empty: every category
    lifts: bool = False
    note: str = ""
    message_id: int | None = None
    expires_at: datetime.datetime | None = None


def say(words: Iterable[Word]) -> int:
    """Keep the latest word of each (channel, address, category, reason).

    Any order and any repetition of the same words ends in the same rows: of two words of one
    moment the one that suppresses stands. Answers how many rows were written.
    """
    latest: dict[tuple[str, str, str, str], Word] = {}
    for word in words:
        key = (word.channel_type, word.address.lower(), word.category, word.reason)
        if key not in latest or _rank(latest[key]) < _rank(word):
            latest[key] = word
    rows = list(latest.values())
    return sum(_write(rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK))


def lift(
    channel_type: str, address: str, *, at: datetime.datetime, category: str | None = None
) -> int:
    """The recipient wants to be written to again: undo what they themselves asked for.

    `category` None: every category. Bounces and complaints stand. Answers how many rows that were.
    """
    mine = Suppression.objects.in_force().filter(
        channel_type=channel_type,
        address=address.lower(),
        reason=SuppressionReason.UNSUBSCRIBE,
        created_at__lt=at,
    )
    if category is not None:
        mine = mine.filter(category=category)
    return mine.update(lifted_at=at, created_at=at)


def lift_rows(rows: SuppressionQuerySet, *, at: datetime.datetime) -> int:
    """An operator lets these addresses be written to again; answer how many rows that were."""
    return rows.in_force().update(lifted_at=at, created_at=at)


def _rank(word: Word) -> tuple[datetime.datetime, bool, str, int]:
    return word.at, not word.lifts, word.note[:255], word.message_id or 0


def _write(words: list[Word]) -> int:
    fields = [field for field in Suppression._meta.concrete_fields if not field.primary_key]
    table = connection.ops.quote_name(Suppression._meta.db_table)
    columns = ", ".join(str(field.column) for field in fields)
    values = [
        field.get_db_prep_save(field.pre_save(_row(word), add=True), connection)
        for word in words
        for field in fields
    ]
    holes = ", ".join(["(" + ", ".join(["%s"] * len(fields)) + ")"] * len(words))
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT.format(table=table, columns=columns, holes=holes), values)
        return cursor.rowcount


def _row(word: Word) -> Suppression:
    return Suppression(
        channel_type=word.channel_type,
        address=word.address.lower(),
        category=word.category,
        reason=word.reason,
        note=word.note[:255],
        message_id=word.message_id,
        created_at=word.at,
        expires_at=word.expires_at,
        lifted_at=word.at if word.lifts else None,
    )


_UPSERT = """
    INSERT INTO {table} AS known ({columns}) VALUES {holes}
    ON CONFLICT (channel_type, address, category, reason) DO UPDATE
    SET created_at = excluded.created_at, lifted_at = excluded.lifted_at, note = excluded.note,
        expires_at = excluded.expires_at, message_id = excluded.message_id
    WHERE (known.created_at, known.lifted_at IS NULL, known.note, coalesce(known.message_id, 0))
        < (excluded.created_at, excluded.lifted_at IS NULL, excluded.note,
           coalesce(excluded.message_id, 0))
"""
