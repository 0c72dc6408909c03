"""The one statement that writes the messages of a submission."""

from __future__ import annotations

import datetime
import functools
import itertools
import json
import secrets
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from omnichannel.choices import MessageStatus
from omnichannel.models import Message

# What differs from message to message, and its type on PostgreSQL; the rest is the same for all.
VARYING = {
    "key": "uuid",
    "to_address": "text",
    "cc_addresses": "text",
    "bcc_addresses": "text",
    "variables": "jsonb",
    "provider_id": "bigint",
    "lane_id": "bigint",
    "status": "text",
    "error_message": "text",
    "due_at": "timestamptz",
    "expires_at": "timestamptz",
}
NAMES = ", ".join(VARYING)


@dataclass(frozen=True, slots=True)
class Row:
    """One message as it is written. `key` is a UUID of version 7, in the order of time."""

    key: uuid.UUID
    to_address: str
    cc_addresses: str
    bcc_addresses: str
    variables: dict[str, Any]
    provider_id: int
    lane_id: int
    status: MessageStatus
    error_message: str = ""
    due_at: datetime.datetime | None = None
    expires_at: datetime.datetime | None = None


def insert(rows: Sequence[Row], shared: Message) -> dict[uuid.UUID, int]:
    """Write them, each with the columns of `shared` beside its own; answer {key: id}."""
    constants = _constants(shared)
    table = connection.ops.quote_name(Message._meta.db_table)
    columns = ", ".join(map(connection.ops.quote_name, constants))
    places = ", ".join(["%s"] * len(constants))
    statement = (
        f"INSERT INTO {table} ({NAMES}, {columns}) "
        f"SELECT {_SELECTED[connection.vendor]}, {places} {_SOURCE[connection.vendor]} "
        "RETURNING key, id"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*constants.values(), _json(rows)])
        return {_uuid(key): pk for key, pk in cursor.fetchall()}


_SELECTED = {
    "postgresql": NAMES,
    "sqlite": ", ".join(
        f"value -> {number}" if name == "variables" else f"value ->> {number}"
        for number, name in enumerate(VARYING)
    ),
}
_SOURCE = {
    "postgresql": "FROM jsonb_to_recordset(%s::jsonb) AS v("
    + ", ".join(f"{name} {kind}" for name, kind in VARYING.items())
    + ")",
    # ORDER BY: so that their ids are in their order.
    "sqlite": "FROM json_each(%s) ORDER BY json_each.key",
}


def _json(rows: Sequence[Row]) -> str:
    """A list of objects for PostgreSQL, of lists for SQLite; keys and moments as each has them."""
    if connection.vendor == "postgresql":
        found: list[Any] = [dict(zip(VARYING, _values(row, str), strict=True)) for row in rows]
    else:
        found = [_values(row, _sqlite) for row in rows]
    return json.dumps(found, ensure_ascii=False)


def _values(row: Row, written: Any) -> list[Any]:
    return [
        row.key.hex if written is _sqlite else str(row.key),
        row.to_address,
        row.cc_addresses,
        row.bcc_addresses,
        row.variables,
        row.provider_id,
        row.lane_id,
        row.status,
        row.error_message,
        written(row.due_at) if row.due_at else None,
        written(row.expires_at) if row.expires_at else None,
    ]


def _sqlite(at: datetime.datetime) -> str:
    """As Django writes a moment there."""
    return str(connection.ops.adapt_datetimefield_value(at))


def _uuid(key: Any) -> uuid.UUID:
    return key if isinstance(key, uuid.UUID) else uuid.UUID(key)


def _constants(shared: Message) -> dict[str, Any]:
    """Every column that is the same for all and is not NULL."""
    given = ((field, getattr(shared, field.attname)) for field in _shared_fields())
    return {
        str(field.column): field.get_db_prep_save(value, connection)
        for field, value in given
        if value is not None
    }


@functools.cache
def _shared_fields() -> list[Any]:
    return [
        field
        for field in Message._meta.concrete_fields
        if field.column not in VARYING and not field.primary_key
    ]


def new_keys(count: int) -> list[uuid.UUID]:
    """UUIDs of version 7 (RFC 9562), one above the other: their index grows at its end only."""
    head = (time.time_ns() // 1_000_000) << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62
    steps = itertools.accumulate(secrets.randbits(32) + 1 for _ in range(count))
    start = secrets.randbits(61)
    return [uuid.UUID(int=head | start + step) for step in steps]
