"""What the sandbox was given: the newest messages, in a SQLite file of its own.

The file is not the product's database, so that a campaign through the sandbox does not slow
down whoever works in the Studio, and can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

NEWEST = 20_000
SCHEMA = """
    CREATE TABLE IF NOT EXISTS kept (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at, provider, channel_type, recipient, cc, bcc,
        from_address, subject, html, text, headers, attachments, outcome, code, key
    )
"""
BY_KEY = "CREATE INDEX IF NOT EXISTS kept_by_key ON kept (key, outcome)"
PAGE = 1_000
INSERT = "INSERT INTO kept VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True)
class Kept:
    """A message as the sandbox was given it, and what it answered."""

    at: datetime.datetime
    provider: str
    channel_type: str
    to: str
    from_address: str
    subject: str
    html: str
    text: str
    outcome: str
    code: str
    key: str
    headers: dict[str, str] = field(default_factory=dict)
    attachments: list[tuple[str, int]] = field(default_factory=list)  # (name, bytes)
    cc: list[str] = field(default_factory=list)
    bcc: list[str] = field(default_factory=list)
    id: int = 0


def keep(messages: Sequence[Kept]) -> None:
    """Store a batch in one transaction; the oldest beyond NEWEST go."""
    with _open() as connection:
        connection.executemany(INSERT, [_row(message) for message in messages])
        connection.execute("DELETE FROM kept WHERE id <= (SELECT max(id) FROM kept) - ?", [NEWEST])


def listing(
    *,
    channel_type: str = "",
    provider: str = "",
    query: str = "",
    before: int | None = None,
    limit: int = 50,
) -> list[Kept]:
    """The newest first, each with an id below `before`. `query`: part of address or subject."""
    wanted: dict[str, object] = {"channel_type": channel_type, "provider": provider}
    wanted |= {"query": query, "before": before, "limit": limit}
    with _open() as connection:
        rows = connection.execute(
            "SELECT * FROM kept WHERE (:before IS NULL OR id < :before)"
            " AND (:channel_type = '' OR channel_type = :channel_type)"
            " AND (:provider = '' OR provider = :provider)"
            " AND (:query = '' OR instr(lower(recipient), lower(:query)) > 0"
            " OR instr(lower(subject), lower(:query)) > 0)"
            " ORDER BY id DESC LIMIT :limit",
            wanted,
        ).fetchall()
    return [_kept(row) for row in rows]


def get(id: int) -> Kept | None:
    with _open() as connection:
        row = connection.execute("SELECT * FROM kept WHERE id = ?", [id]).fetchone()
    return _kept(row) if row else None


def clear() -> int:
    """Forget everything; how many messages there were."""
    with _open() as connection:
        return connection.execute("DELETE FROM kept").rowcount


def forget(recipient: str) -> int:
    """Empty what one recipient (lower case) was sent; that it was sent stays. How many."""
    with _open() as connection:
        return connection.execute(
            "UPDATE kept SET recipient = 'erased', cc = '[]', bcc = '[]', subject = '', html = '',"
            " text = '', headers = '{}', attachments = '[]' WHERE lower(recipient) = ?",
            [recipient],
        ).rowcount


def outcomes(keys: Sequence[str]) -> dict[str, list[str]]:
    """{key: what was answered to it, one outcome for each attempt} of those it has."""
    found: dict[str, list[str]] = {}
    statement = (
        "SELECT key, outcome FROM kept WHERE key IN (SELECT value FROM json_each(?)) ORDER BY id"
    )
    with _open() as connection:
        for key, outcome in connection.execute(statement, [json.dumps(list(keys))]):
            found.setdefault(key, []).append(outcome)
    return found


def complete_since() -> datetime.datetime:
    """The moment (UTC) from which nothing it was given is missing here."""
    with _open() as connection:
        (born,) = connection.execute("PRAGMA user_version").fetchone()
        first, oldest = connection.execute("SELECT min(id), min(at) FROM kept").fetchone()
        given = connection.execute("SELECT seq FROM sqlite_sequence").fetchone()
    if born and (first == 1 or given is None):  # nothing went since the file was made
        return datetime.datetime.fromtimestamp(born * 60, datetime.UTC)
    if oldest is None:
        return datetime.datetime.now(datetime.UTC)
    return datetime.datetime.fromtimestamp(oldest, datetime.UTC)


def entries(provider: str, answered: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(recipient, key) of what a provider was given and answered with one of these outcomes."""
    last = 0
    while True:
        with _open() as connection:
            rows = connection.execute(
                "SELECT id, recipient, key FROM kept WHERE id > ? AND provider = ?"
                " AND outcome IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?",
                [last, provider, json.dumps(list(answered)), PAGE],
            ).fetchall()
        if not rows:
            return
        for _, recipient, key in rows:
            yield recipient, key
        last = rows[-1]["id"]


@contextlib.contextmanager
def _open() -> Iterator[sqlite3.Connection]:
    """One connection per call: it may be used from any thread and after a fork."""
    path = Path(settings.VAR_DIR) / "sandbox.sqlite3"
    is_new = not path.exists()
    connection = sqlite3.connect(path, timeout=20)
    connection.row_factory = sqlite3.Row
    try:
        if is_new:
            connection.execute("PRAGMA journal_mode=WAL")
            # When the file was made: the end of that minute, in minutes since 1970.
            connection.execute(f"PRAGMA user_version={int(time.time() // 60) + 1}")
        connection.execute("PRAGMA synchronous=OFF")  # losing the last ones to a power cut is fine
        connection.execute(SCHEMA)
        connection.execute(BY_KEY)
        with connection:
            yield connection
    finally:
        connection.close()


def _row(message: Kept) -> tuple[object, ...]:
    return (
        message.at.timestamp(),
        message.provider,
        message.channel_type,
        message.to,
        json.dumps(message.cc),
        json.dumps(message.bcc),
        message.from_address,
        message.subject,
        message.html,
        message.text,
        json.dumps(message.headers),
        json.dumps(message.attachments),
        message.outcome,
        message.code,
        message.key,
    )


def _kept(row: sqlite3.Row) -> Kept:
    values = dict(row)
    values["to"] = values.pop("recipient")
    values["at"] = datetime.datetime.fromtimestamp(values["at"], datetime.UTC)
    for name in ("cc", "bcc", "headers", "attachments"):
        values[name] = json.loads(values[name])
    values["attachments"] = [(name, size) for name, size in values["attachments"]]
    return Kept(**values)
