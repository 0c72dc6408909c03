"""Millions of messages in minutes: written by the database itself."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Field
from django.utils import timezone

from omnichannel.choices import MessageStatus
from omnichannel.models import Lane, Message

CHUNK = 100_000
# Keys in order, as the product's own are: the index of random ones would take most of the time.
_KEY = {
    "postgresql": "lpad(to_hex(number), 32, '0')::uuid",
    "sqlite": "printf('%%032x', number)",
}
_NUMBERS = {
    "postgresql": "SELECT generate_series(%s::bigint, %s::bigint) AS number",
    "sqlite": """
        WITH RECURSIVE numbers (number) AS (
            SELECT %s UNION ALL SELECT number + 1 FROM numbers WHERE number < %s
        ) SELECT number FROM numbers
    """,
}
_ADDRESS = {
    "postgresql": "'person' || lpad(number::text, 9, '0') || '@example.com'",
    "sqlite": "printf('person%%09d@example.com', number)",
}


def write_rows(lane: Lane, count: int, status: MessageStatus) -> None:
    """`count` messages in a lane, and what the planner has to know about them."""
    statement, constants = _insert(lane, status)
    first = 1 + (Message.objects.order_by("-id").values_list("id", flat=True).first() or 0)
    for start in range(first, first + count, CHUNK):
        last = min(start + CHUNK, first + count) - 1
        with connection.cursor() as cursor:
            cursor.execute(statement, [*constants, start, last])
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE omnichannel_message")


def _insert(lane: Lane, status: MessageStatus) -> tuple[str, list[Any]]:
    """One statement, and its values but for the first and the last number."""
    example = Message(
        lane=lane, provider=lane.provider, status=status, created_at=timezone.now(), to_address="-"
    )
    fields = [field for field in Message._meta.concrete_fields if not field.primary_key]
    vendor = connection.vendor
    computed = {"key": _KEY[vendor], "to_address": _ADDRESS[vendor]}
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    values = ", ".join(computed.get(field.name, _typed(field)) for field in fields)
    constants = [
        field.get_db_prep_save(field.pre_save(example, add=True), connection)
        for field in fields
        if field.name not in computed
    ]
    table = connection.ops.quote_name(Message._meta.db_table)
    numbers = _NUMBERS[vendor]
    words = ("INSERT INTO", table, "(", columns, ") SELECT", values, "FROM (", numbers, ") AS n")
    return " ".join(words), constants


def _typed(field: Field[object, object]) -> str:
    """PostgreSQL does not guess the type of a value that is only selected."""
    if connection.vendor != "postgresql":
        return "%s"
    return f"CAST(%s AS {field.cast_db_type(connection)})"
