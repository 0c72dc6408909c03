"""Writes a chunk of members with a few statements, on SQLite and PostgreSQL.

Call it inside a transaction. JSON text is SQLite's fastest way in, COPY is PostgreSQL's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any, NamedTuple

from django.db import connection

from campaigns.import_rows import NewMember

to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_COPY_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


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
        "(audience_id, key, email, phone, variables, import_id) "
        "SELECT %s, json_extract(value, '$[0]'), json_extract(value, '$[1]'), "
        "json_extract(value, '$[2]'), json_extract(value, '$[3]'), %s FROM json_each(%s) WHERE 1 "
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

    def put(self, audience_id: int, import_id: int | None, members: Sequence[NewMember]) -> None:
        """Add the members, or replace those with the same key."""
        with connection.cursor() as cursor:
            cursor.execute(self.PUT, [audience_id, import_id, to_json(members)])

    def stamp(self, import_id: int, ids: Sequence[int]) -> None:
        """Note on unchanged members that this import had them too."""
        with connection.cursor() as cursor:
            cursor.execute(self.STAMP, [import_id, to_json(ids)])


class PostgresStore:
    # One JSON text is quoted far quicker than a list of values. Key by key, because for an audience
    # that the planner has no statistics of it would read all of it and compare each with the list.
    SELECT = (
        "SELECT found.* FROM json_array_elements_text(%s) AS wanted(key), LATERAL ("
        "SELECT id, key, email, phone, variables::text, import_id FROM campaigns_audiencemember "
        "WHERE audience_id = %s AND key = wanted.key LIMIT 1) AS found"
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
        return _known(self.SELECT, [to_json(keys), audience_id])

    def put(self, audience_id: int, import_id: int | None, members: Sequence[NewMember]) -> None:
        text = "".join([_copy_line(m.key, m.email, m.phone, _object(m.variables)) for m in members])
        with connection.cursor() as cursor:
            cursor.execute(self.STAGE)
            with cursor.copy(self.COPY) as copy:
                copy.write(text)
            cursor.execute(self.PUT, [audience_id, import_id])
            cursor.execute("TRUNCATE import_chunk")

    def stamp(self, import_id: int, ids: Sequence[int]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(self.STAMP, [import_id, to_json(ids)])


def _object(values: dict[str, Any]) -> str:
    """The same as `to_json`, which would make an encoder for each call."""
    pairs = [
        f"{_quoted(name)}:{encode_basestring(value) if type(value) is str else to_json(value)}"
        for name, value in values.items()
    ]
    return f"{{{','.join(pairs)}}}"


@lru_cache(maxsize=1_000)
def _quoted(name: str) -> str:
    return encode_basestring(name)


def _copy_line(*cells: str) -> str:
    """A line of COPY's text format."""
    line = "\t".join(cells)
    if "\\" in line or "\n" in line or "\r" in line or line.count("\t") >= len(cells):
        line = "\t".join([cell.translate(_COPY_ESCAPES) for cell in cells])
    return line + "\n"


def store() -> SqliteStore | PostgresStore:
    return PostgresStore() if connection.vendor == "postgresql" else SqliteStore()


def _known(sql: str, values: list[Any]) -> dict[str, Known]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return {
            key: Known(pk, key, email, phone, json.loads(variables), import_id)
            for pk, key, email, phone, variables, import_id in cursor.fetchall()
        }
