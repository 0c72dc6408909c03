"""What the provider saw: every hand-over, whether it took it, and what it reported later."""

from __future__ import annotations

import datetime
from collections import defaultdict
from dataclasses import dataclass, field

from omnichannel import tracking
from omnichannel.backends.base import OutgoingMessage, TrackingEvent


@dataclass
class HandOver:
    message: OutgoingMessage
    at: datetime.datetime
    accepted: bool = False
    answered: bool = False  # its answer reached the journal
    forgotten: bool = False  # and the journal was lost before it was recorded
    void: bool = False  # the provider took nothing: no attempt

    @property
    def key(self) -> str:
        return self.message.key


@dataclass
class Ledger:
    of: dict[str, list[HandOver]] = field(default_factory=lambda: defaultdict(list))
    fresh_from: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    requeued: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    marked: set[str] = field(default_factory=set)
    reports: list[TrackingEvent] = field(default_factory=list)

    def take(self, message: OutgoingMessage, at: datetime.datetime) -> HandOver:
        entry = HandOver(message, at)
        self.of[message.key].append(entry)
        return entry

    def attempts(self, key: str) -> list[HandOver]:
        """Since an operator last put it back into the queue."""
        entries = self.of[key][self.fresh_from[key] :]
        return [entry for entry in entries if not entry.void]

    def accepts(self, key: str) -> int:
        return sum(entry.accepted for entry in self.of[key])

    def requeue(self, key: str) -> None:
        """An operator asked for it to be sent again: it counts afresh."""
        self.requeued[key] += 1
        self.fresh_from[key] = len(self.of[key])

    def has_failed(self, key: str) -> bool:
        """Was it reported as never to arrive?"""
        return any(
            key in event.external_id and tracking.status_after(event) == "failed"
            for event in self.reports
        )
