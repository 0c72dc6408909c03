"""A delivery on its way to the owner's machine, with what is known of it so far."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from integrations import native_files
from integrations.audit import Entry
from integrations.choices import DeliveryStatus, Operation
from integrations.directory import AccountBook
from integrations.models import Blob, ConversionRule, Envelope, EnvelopeDelivery


@dataclass
class Inward:
    """It tells its story also when it fails."""

    row: EnvelopeDelivery
    book: AccountBook
    at: datetime.datetime
    story: list[Entry] = field(default_factory=list)
    rule: ConversionRule | None = None
    status: DeliveryStatus = DeliveryStatus.CONVERTED
    filename: str = ""
    output: Blob | None = None
    content_type: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    milliseconds: int = 0
    acts: list[Callable[[], list[Entry]]] = field(default_factory=list)  # in the transaction

    @property
    def envelope(self) -> Envelope:
        return self.row.envelope

    @cached_property
    def native(self) -> bytes:
        return native_files.native_of(self.envelope)

    def act(self) -> None:
        """Raises IntegrationError."""
        for do in self.acts:
            self.story += do()

    def say(self, operation: Operation, text: str, **detail: Any) -> None:
        self.story.append(
            Entry(
                operation,
                text,
                mailbox=self.row.mailbox_id,
                envelope=self.row.envelope_id,
                rule=self.rule.pk if self.rule else None,
                detail=detail,
            )
        )
