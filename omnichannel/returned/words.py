"""What a mail that came back says, in our words."""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass


class Kind(enum.StrEnum):
    REPORT = "report"  # of a relay: what became of a message
    COMPLAINT = "complaint"  # of a mailbox provider: its user calls it spam
    REPLY = "reply"  # of a machine or about nothing of ours to do: an absence, a read receipt
    UNKNOWN = "unknown"  # a person's, or in a form that we do not know


@dataclass(frozen=True, slots=True)
class Recipient:
    """What happened for one recipient."""

    addresses: tuple[str, ...]  # the names the report has for it, the original one first
    type: str  # choices.EventType
    outcome: str = ""  # choices.Outcome
    code: str = ""  # enhanced status code
    text: str = ""


@dataclass(frozen=True, slots=True)
class Returned:
    kind: Kind
    recipients: tuple[Recipient, ...] = ()
    proven: tuple[str, ...] = ()  # our keys, by tokens that only we can make
    named: tuple[str, ...] = ()  # our keys by Message-ID: anyone may have written them
    report_id: str = ""  # the mail's own Message-ID, or a digest of it
    at: datetime.datetime | None = None  # UTC, by the mail's own Date
