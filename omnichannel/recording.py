"""Recording outcomes: one statement for the rows, one for their events, one transaction."""

from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Iterator, Sequence

from django.db import connection, transaction

from omnichannel.verdicts import Verdict

_SET = """
    UPDATE omnichannel_message
    SET status = v.status,
        provider_status_id = v.provider_status_id,
        external_id = CASE WHEN v.external_id = '' THEN omnichannel_message.external_id
                           ELSE v.external_id END,
        error_code = CASE WHEN v.status IN ('sent', 'delivered') THEN '' ELSE v.code END,
        error_message = CASE WHEN v.status IN ('sent', 'delivered') THEN '' ELSE v.text END,
        due_at = v.due_at,
        last_attempt_at = v.at,
        attempts = omnichannel_message.attempts + v.attempt,
        retry_attempt = CASE WHEN omnichannel_message.attempts + v.attempt > 1
                             THEN omnichannel_message.attempts + v.attempt - 1 ELSE 0 END,
        lease_until = NULL,
        claimed_by = ''
"""
# A late answer may still settle a message that was given up as uncertain, never undo a receipt.
_WHERE = """
    WHERE omnichannel_message.id = v.id
      AND ((omnichannel_message.status = 'sending' AND omnichannel_message.claimed_by = %s)
           OR (omnichannel_message.status = 'uncertain'
               AND v.status IN ('sent', 'delivered', 'failed')))
    RETURNING omnichannel_message.id
"""
_SQLITE_ROWS = """
    FROM (SELECT value ->> 0 AS id, value ->> 1 AS status, value ->> 2 AS provider_status_id,
                 value ->> 3 AS external_id, value ->> 4 AS code, value ->> 5 AS text,
                 value ->> 6 AS due_at, value ->> 7 AS at, value ->> 8 AS attempt
          FROM json_each(%s)) AS v
"""
_POSTGRESQL_ROWS = """
    FROM (SELECT (value ->> 0)::bigint AS id, value ->> 1 AS status,
                 (value ->> 2)::bigint AS provider_status_id, value ->> 3 AS external_id,
                 value ->> 4 AS code, value ->> 5 AS text, (value ->> 6)::timestamptz AS due_at,
                 (value ->> 7)::timestamptz AS at, (value ->> 8)::integer AS attempt
          FROM jsonb_array_elements(%s::jsonb)) AS v
"""
_EVENTS = {
    False: """
        INSERT INTO omnichannel_messageevent
            (message_id, provider_id, type, at, event_id, status, code, description, url,
             is_machine)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, '', value ->> 4,
               value ->> 5, value ->> 6, '', 0
        FROM json_each(%s)
    """,
    True: """
        INSERT INTO omnichannel_messageevent
            (message_id, provider_id, type, at, event_id, status, code, description, url,
             is_machine)
        SELECT (value ->> 0)::bigint, (value ->> 1)::bigint, value ->> 2,
               (value ->> 3)::timestamptz, '', value ->> 4, value ->> 5, value ->> 6, '', false
        FROM jsonb_array_elements(%s::jsonb)
    """,
}


def record(
    verdicts: Sequence[Verdict],
    *,
    worker: str,
    provider_id: int,
    status_ids: dict[str, int],
    at: datetime.datetime,
) -> set[int]:
    """Write what became of the messages claimed by `worker`; answer the ids that were written.

    `status_ids` maps a code to its Channel Provider Status. A row that is no longer the
    worker's (its lease ran out and it was settled otherwise) is left alone.
    """
    moment = _stamp(at)
    rows = []
    said = {}  # what the events tell
    for v in verdicts:
        code, text = code_of(v.code), clean(v.text)
        due_at = _stamp(v.due_at) if v.due_at else None
        external_id = clean(v.external_id, 255)
        status_id, attempt = status_ids.get(code), int(v.is_attempt)
        rows.append(
            [v.message_id, v.status, status_id, external_id, code, text, due_at, moment, attempt]
        )
        said[v.message_id] = [v.message_id, provider_id, v.event, moment, v.status, code, text]
    postgresql = connection.vendor == "postgresql"
    source = _POSTGRESQL_ROWS if postgresql else _SQLITE_ROWS
    with relaxed(), transaction.atomic(), connection.cursor() as cursor:
        if postgresql:
            cursor.execute("SET LOCAL synchronous_commit TO off")
        cursor.execute(_SET + source + _WHERE, [json.dumps(rows), worker])
        written = {row[0] for row in cursor.fetchall()}
        events = [event for message_id, event in said.items() if message_id in written]
        cursor.execute(_EVENTS[postgresql], [json.dumps(events)])
    return written


@contextlib.contextmanager
def relaxed() -> Iterator[None]:
    """On SQLite, commits inside do not wait for the disk: the next claim's commit does.

    After a power cut what was not on the disk is still claimed, so it becomes uncertain.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=NORMAL")
        try:
            yield
        finally:
            cursor.execute("PRAGMA synchronous=FULL")


def _stamp(at: datetime.datetime) -> str:
    """As Django writes a moment: text in UTC on SQLite, with its zone on PostgreSQL."""
    at = at.astimezone(datetime.UTC)
    if connection.vendor == "postgresql":
        return at.isoformat()
    return at.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def clean(text: str, length: int = 2000) -> str:
    """A provider's words without what a database refuses: NUL and half characters."""
    if text.isascii() and "\0" not in text:
        return text[:length]
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:length]


def code_of(text: str) -> str:
    """A provider's code as its table holds it."""
    return clean(text, 60)
