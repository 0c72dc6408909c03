"""What another system asks for: one message to each of up to a thousand recipients."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from omnichannel.choices import Priority

MOST_RECIPIENTS = 1_000
MOST_FILES = 20
LONGEST_LANGUAGE = 80  # characters


@dataclass(frozen=True, slots=True)
class File:
    """An attachment as it came: `content` is Base64."""

    name: str
    content: str
    content_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The columns of all its messages, and its recipients as they came, unchecked.

    `template`, `channel` and `provider` are an id or a name (of a channel: its code). What is
    empty was not given. `is_single`: its one recipient was written without a list.
    """

    recipients: Sequence[Any]
    is_single: bool = False
    variables: Mapping[str, Any] = field(default_factory=dict)  # shared by all recipients
    template: int | str | None = None
    subject: str = ""
    body_html: str = ""
    body_text: str = ""
    channel: int | str | None = None
    provider: int | str | None = None
    channel_type: str = ""
    category: str = ""  # empty, as a priority of None: the template's, else the usual one
    priority: int | None = None
    starts_at: datetime.datetime | None = None
    ends_at: datetime.datetime | None = None
    interval_min: datetime.time | None = None
    interval_max: datetime.time | None = None
    retry_max_attempt: int | None = None
    pool_time_retry: datetime.timedelta | None = None
    from_address: str = ""
    from_name: str = ""
    reply_to: str = ""
    attachments: Sequence[File] = ()
    channel_provider_params: Mapping[str, Any] = field(default_factory=dict)
    extended_properties: Mapping[str, Any] = field(default_factory=dict)
    needs_consent: bool = False
    name: str = ""  # of the job
    reference: str = ""  # who asks: the prefix of an API key
    unkept: frozenset[str] = frozenset()  # variables that no row may hold: see `unkept`
    uses_sandbox: bool = False  # by a test key: nothing of it may reach a provider

    @property
    def urgency(self) -> int:
        """Its priority, the usual one where nobody says any."""
        return Priority.NORMAL if self.priority is None else self.priority

    def path(self, index: int, name: str) -> str:
        """How a field of one recipient is called in an answer."""
        if self.is_single:
            return name
        return f"recipients.{index}.{name}" if name else f"recipients.{index}"
