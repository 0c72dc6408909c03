"""The judge of every proof: what the receiving side wrote down against what the rows say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from omnichannel.choices import MessageStatus
from omnichannel.models import Job

ENDED_UNSENT = (
    MessageStatus.FAILED,
    MessageStatus.EXPIRED,
    MessageStatus.CANCELLED,
    MessageStatus.SUPPRESSED,
)


class Arrival(NamedTuple):
    """A message the receiving side has taken. `key` is Message.key, out of its Message-ID."""

    recipient: str
    key: str


class Row(NamedTuple):
    """What the database says about one message."""

    recipient: str
    key: str
    status: str
    reason: str


@dataclass
class Findings:
    """Each list names its cases in words."""

    counts: Counter[str] = field(default_factory=Counter)  # rows by status
    lost: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)  # one entry per further arrival
    contradicted: list[str] = field(default_factory=list)  # arrived, but the rows deny it
    recipients: int = 0

    @property
    def ended(self) -> int:
        """sent + failed + suppressed + expired + cancelled + uncertain"""
        pending = sum(self.counts[status] for status in MessageStatus.pending())
        return self.counts.total() - pending

    @property
    def unbalanced(self) -> int:
        return abs(self.recipients - self.ended)

    def add(self, other: Findings) -> None:
        self.counts.update(other.counts)
        self.lost += other.lost
        self.duplicates += other.duplicates
        self.contradicted += other.contradicted
        self.recipients += other.recipients


def read_ledger(path: Path) -> Counter[Arrival]:
    """The lines "recipient <key@domain>" of a sink's ledger, counted."""
    found: Counter[Arrival] = Counter()
    for line in path.read_text().splitlines() if path.exists() else ():
        recipient, _, name = line.partition(" ")
        found[Arrival(recipient, name.strip("<>").partition("@")[0])] += 1
    return found


def rows_of(job: Job) -> list[Row]:
    columns = ("to_address", "key", "status", "error_message")
    rows = job.messages.order_by("id").values_list(*columns)
    return [Row(to, str(key), status, reason) for to, key, status, reason in rows]


def compare(rows: Iterable[Row], ledger: Counter[Arrival], recipients: Iterable[str]) -> Findings:
    """Judge a run that is over: one row per recipient, and the arrivals of these rows.

    Arrivals of other runs must not be in `ledger` (see `of_job`).
    """
    found = Findings()
    unknown = dict(ledger)
    missing = dict.fromkeys(recipients)
    found.recipients = len(missing)
    for row in rows:
        found.counts[row.status] += 1
        missing.pop(row.recipient, None)
        arrived = unknown.pop(Arrival(row.recipient, row.key), 0)
        found.duplicates += [f"{row.recipient} got it {arrived} times"] * (arrived - 1)
        _judge(row, arrived, found)
    found.lost += [f"{recipient} has no message at all" for recipient in missing]
    found.contradicted += [
        f"{recipient} got {key}, which no row names" for recipient, key in unknown
    ]
    return found


def _judge(row: Row, arrived: int, found: Findings) -> None:
    if row.status in MessageStatus.taken() and not arrived:
        found.lost.append(f"{row.recipient} is {row.status}, but nothing arrived")
    elif row.status in MessageStatus.pending() and not arrived:
        found.lost.append(f"{row.recipient} is still {row.status}")
    elif row.status in ENDED_UNSENT and not row.reason:
        found.lost.append(f"{row.recipient} is {row.status} without a reason")
    elif row.status in ENDED_UNSENT and arrived:
        found.contradicted.append(f"{row.recipient} is {row.status}, but has got it")


def of_job(ledger: Counter[Arrival], rows: Iterable[Row]) -> Counter[Arrival]:
    """The arrivals under the keys of these rows, whoever the recipient was."""
    keys = {row.key for row in rows}
    return Counter({arrival: count for arrival, count in ledger.items() if arrival.key in keys})
