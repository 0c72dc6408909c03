"""What a backend is. It never sees the database: it is given a config and frozen messages.

A provider is one file in this folder with one `Backend` subclass; nothing else changes.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django import forms

from omnichannel.choices import ChannelType, EventType, Outcome
from omnichannel.exceptions import OutcomeUnknown, ProviderTrouble, SendError


@dataclass(frozen=True, slots=True)
class Status:
    """A row of the vendor's code table, as providers of this backend are seeded with it."""

    code: str
    reason: str
    outcome: str = ""
    description: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """What a provider row tells its backend. `options` holds the backend's own settings."""

    name: str
    channel_type: str = ChannelType.EMAIL
    service_url: str = ""
    app_user: str = ""
    app_password: str = ""
    app_key: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    from_address: str = ""
    from_name: str = ""
    track_opens: bool = False
    track_clicks: bool = False
    deadline: float = 30.0  # seconds, for one message from connect to answer

    def __repr__(self) -> str:
        return f"ProviderConfig({self.name!r})"


@dataclass(frozen=True, slots=True)
class Attachment:
    name: str
    content: bytes
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One rendered message. `key` is the same in every attempt."""

    key: str
    to: str
    subject: str = ""
    html: str = ""
    text: str = ""
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    from_address: str = ""
    from_name: str = ""
    reply_to: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    category: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    extended_properties: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 1
    # What html and text were put together from, constant pieces being the same objects in
    # every message: a backend may keep what it made of them.
    html_pieces: tuple[str, ...] = ()
    text_pieces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrackingEvent:
    """Something that happened to a message, in our words."""

    type: str  # choices.EventType
    at: datetime.datetime
    key: str = ""  # our own key, when the provider gives it back
    external_id: str = ""
    event_id: str = ""
    code: str = ""
    description: str = ""
    url: str = ""
    is_machine: bool = False
    outcome: str = ""  # for bounces: rejected (permanent) or temporary


@dataclass(frozen=True, slots=True)
class Result:
    """What one attempt came to. `events` are what the provider told in the same breath."""

    key: str
    outcome: str  # choices.Outcome
    code: str = ""
    text: str = ""
    external_id: str = ""
    retry_after: float | None = None  # seconds
    events: tuple[TrackingEvent, ...] = ()

    @classmethod
    def from_error(cls, message: OutgoingMessage, error: SendError) -> Result:
        return cls(
            key=message.key,
            outcome=error.outcome,
            code=error.code,
            text=str(error),
            retry_after=error.retry_after,
        )


class Backend:
    """Talks to one kind of provider.

    A simple backend implements `send`. One that pipelines or batches overrides `deliver`.
    An instance serves one worker thread and may keep a connection until `close`.
    """

    slug: ClassVar[str]
    label: ClassVar[str]
    channel_types: ClassVar[tuple[str, ...]] = (ChannelType.EMAIL,)
    # Which common columns it uses, with the label an operator knows: {"app_key": "API key"}.
    uses: ClassVar[Mapping[str, str]] = {}
    required: ClassVar[tuple[str, ...]] = ()  # names in `uses` that must be filled
    config_form: ClassVar[type[forms.Form] | None] = None  # its own settings -> options
    secret_fields: ClassVar[tuple[str, ...]] = ()  # names in `config_form` that are secret
    statuses: ClassVar[tuple[Status, ...]] = ()
    documentation: ClassVar[str] = ""

    def __init__(self, config: ProviderConfig) -> None:
        self.config = config

    def send(self, message: OutgoingMessage) -> Result:
        """Hand over one message. Raises SendError; an answer of any kind is a Result."""
        raise NotImplementedError

    def deliver(self, messages: Iterable[OutgoingMessage]) -> Iterator[Result]:
        """Hand over a batch; yield a result per message as soon as it is known.

        `messages` is lazy: taking the next one from it means handing it over next. What was
        not taken is known to be unsent. A SendError raised out of this iterator (rather than
        turned into a Result) concerns every message taken and not yet answered; ProviderTrouble
        is always raised: the send loop rests or stops the provider and puts the messages back.
        """
        for message in messages:
            try:
                yield self.send(message)
            except ProviderTrouble:
                raise
            except SendError as error:
                yield Result.from_error(message, error)

    def check(self) -> str:
        """Try the connection and the credentials without sending; say what was answered."""
        raise NotImplementedError

    def close(self) -> None:
        """Drop any connection."""

    def guess(self, code: str) -> str:
        """The likely outcome of a code that the status table does not know."""
        if code[:1] in "45" and code[:3].isdigit():
            return Outcome.REJECTED if code.startswith("5") else Outcome.TEMPORARY
        return ""


__all__ = [
    "Attachment",
    "Backend",
    "EventType",
    "OutcomeUnknown",
    "OutgoingMessage",
    "ProviderConfig",
    "Result",
    "Status",
    "TrackingEvent",
]
