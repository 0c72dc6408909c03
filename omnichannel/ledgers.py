"""Comparing the queue with what a provider says it took: nothing lost, nothing twice.

The ledger goes into a temporary SQLite file and the messages are read in pages, so that a
million of each need little memory.
"""

from __future__ import annotations

import datetime
import itertools
import json
import re
import sqlite3
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from omnichannel import backends
from omnichannel.choices import EventType, MessageStatus
from omnichannel.models import ChannelProvider, Message, MessageEvent
from omnichannel.models.messages import MessageQuerySet
from omnichannel.outgoing import backend_of

PAGE = 5_000
KEY = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.I)
LOST = "sent, but not in the ledger"
TWICE = "in the ledger more than once"
UNRECORDED = "in the ledger, but not sent"
UNKNOWN = "in the ledger, but no message here"
ARRIVED = "uncertain, and in the ledger: it arrived"  # what nobody knew: no difference
TAKEN_ONCE = (EventType.SENT, EventType.DELIVERED, EventType.BOUNCED)
# May be in the ledger and may not be: in hand right now, or nobody knows.
OPEN = (MessageStatus.SENDING, MessageStatus.UNCERTAIN)


@dataclass(frozen=True)
class Finding:
    kind: str
    text: str


def compare(
    entries: Iterable[tuple[str, str]],
    messages: MessageQuerySet,
    *,
    since: datetime.datetime | None = None,
) -> Iterator[Finding]:
    """What is in one and not in the other. `entries`: (recipient, our key) of what was taken.

    A ledger that is complete from `since` (UTC) only says nothing about older messages.
    """
    with _Ledger() as ledger:
        ledger.load(entries)
        for page in _pages(messages):
            yield from _judge(page, ledger.find([str(row.key) for row in page]), since)
        yield from ledger.twice()
        yield from ledger.strangers()


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """(recipient, key) of a file of lines "recipient message-id", as SMTP sinks write it."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            recipient, _, message_id = line.strip().rpartition(" ")
            found = KEY.search(message_id)
            yield recipient, str(uuid.UUID(found[0])) if found else message_id


def vendors() -> Iterator[ChannelProvider]:
    """The providers whose vendor keeps a ledger."""
    able = [slug for slug, backend in backends.registry().items() if backend.has_ledger]
    yield from ChannelProvider.objects.filter(backend__in=able).order_by("name")


def compare_vendor(provider: ChannelProvider) -> Iterator[Finding]:
    """With the vendor's own ledger. Raises OmnichannelError when it cannot be had."""
    backend = backend_of(provider)
    try:
        ledger = backend.ledger()
        mine = Message.objects.filter(provider=provider)
        yield from compare(ledger.entries, mine, since=ledger.since)
    finally:
        backend.close()


def _pages(messages: MessageQuerySet) -> Iterator[list[Message]]:
    columns = ("key", "status", "to_address", "created_at")
    last = 0
    while page := list(messages.filter(pk__gt=last).order_by("pk").only(*columns)[:PAGE]):
        yield page
        last = page[-1].pk


def _judge(
    page: Sequence[Message], taken: set[str], since: datetime.datetime | None
) -> Iterator[Finding]:
    failed = [row.pk for row in page if row.status == "failed" and str(row.key) in taken]
    events = MessageEvent.objects.filter(message__in=failed, type__in=TAKEN_ONCE)
    taken_first = set(events.values_list("message", flat=True))  # refused by a report, later
    for row in page:
        is_taken = row.status in MessageStatus.taken()
        if str(row.key) not in taken:
            if is_taken and (since is None or row.created_at >= since):
                yield Finding(LOST, _named(row))
        elif row.status == MessageStatus.UNCERTAIN:
            yield Finding(ARRIVED, _named(row))
        elif not is_taken and row.status not in OPEN and row.pk not in taken_first:
            yield Finding(UNRECORDED, f"{_named(row)}: {row.get_status_display()}")


def _named(row: Message) -> str:
    return f"message {row.pk} to {row.to_address} ({row.key})"


class _Ledger:
    """The entries in a temporary file."""

    def __enter__(self) -> _Ledger:
        self.folder = tempfile.TemporaryDirectory(prefix="studio-ledger-")
        self.db = sqlite3.connect(Path(self.folder.name) / "ledger.sqlite3")
        self.db.execute("PRAGMA journal_mode=OFF")
        self.db.execute("PRAGMA synchronous=OFF")
        self.db.execute("PRAGMA cache_size=-32000")
        self.db.execute(
            "CREATE TABLE taken (key, recipient, times INTEGER, seen INTEGER DEFAULT 0,"
            " PRIMARY KEY (key, recipient)) WITHOUT ROWID"
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.db.close()
        self.folder.cleanup()

    def load(self, entries: Iterable[tuple[str, str]]) -> None:
        add = (
            "INSERT INTO taken (recipient, key, times) VALUES (?, ?, 1)"
            " ON CONFLICT (key, recipient) DO UPDATE SET times = times + 1"
        )
        rest = iter(entries)
        while batch := list(itertools.islice(rest, PAGE)):
            self.db.executemany(add, batch)

    def find(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys that it has; they are known from now on."""
        statement = (
            "UPDATE taken SET seen = 1 WHERE key IN (SELECT value FROM json_each(?)) RETURNING key"
        )
        return {key for (key,) in self.db.execute(statement, [json.dumps(list(keys))])}

    def twice(self) -> Iterator[Finding]:
        rows = self.db.execute("SELECT recipient, key, times FROM taken WHERE times > 1")
        for recipient, key, times in rows:
            yield Finding(TWICE, f"{recipient} {key}: {times} times")

    def strangers(self) -> Iterator[Finding]:
        """What it has and the queue has not, under any provider."""
        rows = self.db.execute("SELECT recipient, key FROM taken WHERE seen = 0")
        while batch := rows.fetchmany(PAGE):
            keys = [key for _, key in batch if KEY.fullmatch(key)]
            ours = Message.objects.filter(key__in=keys).values_list("key", flat=True)
            known = {str(key) for key in ours}
            for recipient, key in batch:
                if key not in known:
                    yield Finding(UNKNOWN, f"{recipient} {key}")
