"""Writes a chunk of members with a few statements, on SQLite and PostgreSQL.

Call it inside a transaction. JSON text is SQLite's fastest way in, COPY is PostgreSQL's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection

from campaigns.import_rows import NewMember

# One encoder for all rows: json.dumps with options makes one for each.
to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Known(NamedTuple):
    """A member that the audience has already."""

    id: int
    key: str
    email: str
    phone: str
    variables: dict[str, str]
    import_id: int | None


class SqliteStore:
    SELECT = (
        "SELECT id, key, email, phone, variables, import_id FROM campaigns_audiencemember "
        "WHERE audience_id = %s AND key IN (SELECT value FROM json_each(%s))"
    )
    PUT = (
        "INSERT INTO campaigns_audiencemember "
        "(audience_id, key, email, phone, variables, import_id) VALUES (%s, %s, %s, %s, %s, %s) "
        "ON CONFLICT (audience_id, key) DO UPDATE SET email = excluded.email, "
        "phone = excluded.phone, variables = excluded.variables, import_id = excluded.import_id"
    )
    STAMP = (
        "UPDATE campaigns_audiencemember SET import_id = %s "
        "WHERE id IN (SELECT value FROM json_each(%s))"
    )

    def known(self, audience_id: int, keys: Sequence[str]) -> dict[str, Known]:
        """Those of the keys that the audience has."""
        return _known(self.SELECT, [audience_id, to_json(keys)])

    def put(self, audience_id: int, import_id: int, members: Sequence[NewMember]) -> None:
        """Add the members, or replace those with the same key."""
        with connection.cursor() as cursor:
            cursor.executemany(
                self.PUT,
                [
                    (audience_id, m.key, m.email, m.phone, to_json(m.variables), import_id)
                    for m in members
                ],
            )

    def stamp(self, import_id: int, ids: Sequence[int]) -> None:
        """Note on unchanged members that this import had them too."""
        with connection.cursor() as cursor:
            cursor.execute(self.STAMP, [import_id, to_json(ids)])


class PostgresStore:
    # One JSON text is quoted far quicker than a list of values, and an array that the planner
    # cannot see into is always looked up in the index.
    SELECT = (
        "SELECT id, key, email, phone, variables::text, import_id FROM campaigns_audiencemember "
        "WHERE audience_id = %s AND key = ANY(ARRAY(SELECT json_array_elements_text(%s)))"
    )
    STAGE = (
        "CREATE TEMPORARY TABLE IF NOT EXISTS import_chunk "
        "(key varchar, email varchar, phone varchar, variables jsonb) ON COMMIT DELETE ROWS"
    )
    COPY = "COPY import_chunk (key, email, phone, variables) FROM STDIN"
    PUT = (
        "INSERT INTO campaigns_audiencemember "
        "(audience_id, key, email, phone, variables, import_id) "
        "SELECT %s, key, email, phone, variables, %s FROM import_chunk "
        "ON CONFLICT (audience_id, key) DO UPDATE SET email = excluded.email, "
        "phone = excluded.phone, variables = excluded.variables, import_id = excluded.import_id"
    )
    STAMP = (
        "UPDATE campaigns_audiencemember SET import_id = %s "
        "WHERE id = ANY(ARRAY(SELECT json_array_elements_text(%s)::bigint))"
    )

    def known(self, audience_id: int, keys: Sequence[str]) -> dict[str, Known]:
        return _known(self.SELECT, [audience_id, to_json(keys)])

    def put(self, audience_id: int, import_id: int, members: Sequence[NewMember]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(self.STAGE)
            with cursor.copy(self.COPY) as copy:
                for m in members:
                    copy.write_row((m.key, m.email, m.phone, to_json(m.variables)))
            cursor.execute(self.PUT, [audience_id, import_id])
            cursor.execute("TRUNCATE import_chunk")

    def stamp(self, import_id: int, ids: Sequence[int]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(self.STAMP, [import_id, to_json(ids)])


def store() -> SqliteStore | PostgresStore:
    return PostgresStore() if connection.vendor == "postgresql" else SqliteStore()


def _known(sql: str, values: list[Any]) -> dict[str, Known]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return {
            key: Known(pk, key, email, phone, json.loads(variables), import_id)
            for pk, key, email, phone, variables, import_id in cursor.fetchall()
        }
