"""What a backend is. It never sees the database: it is given a config and frozen messages.

A provider is one file in this folder with one `Backend` subclass; nothing else changes.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest

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
    track_opens: bool = False  # by the vendor
    track_clicks: bool = False
    count_opens: bool = False  # by us, where the vendor does not
    count_clicks: bool = False
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
    dlt_template_id: str = ""  # under which the text is registered in India
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
    address: str = ""  # the recipient, as the vendor writes it
    reason: str = ""  # choices.SuppressionReason, where the type alone does not tell it


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


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A message that a provider may have been given: what it can be asked by."""

    key: str
    to: str
    not_before: datetime.datetime  # UTC; it cannot have been handed over earlier
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a vendor says it has taken: (recipient, our key) of each message, in any order."""

    since: datetime.datetime  # UTC; complete from this moment on
    entries: Iterator[tuple[str, str]]


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
    note: ClassVar[str] = ""  # what an operator must know of it; shown where the type is chosen
    can_look_up: ClassVar[bool] = False  # the vendor can be asked for messages: `look_up`
    has_ledger: ClassVar[bool] = False  # the vendor lists what it took: `ledger`
    tracks: ClassVar[bool] = False  # the vendor counts opens and clicks; else we do (`links`)
    receives: ClassVar[bool] = False  # the vendor calls us with what happens: `parse_webhook`
    webhook_methods: ClassVar[tuple[str, ...]] = ("POST",)
    # Names in `config_form`, or of common columns, by which a call is verified: one of them must
    # be filled before calls are taken. Empty: the vendor signs nothing, only our URL is secret.
    webhook_secrets: ClassVar[tuple[str, ...]] = ()
    webhook_help: ClassVar[str] = ""  # a sentence: where at the vendor our address goes

    # What becomes of a message is reported by mail: such a provider may have a bounce mailbox.
    reports_by_mail: ClassVar[bool] = False

    # Its connections outlive a run of the send loop, and any thread may go on with them.
    is_worth_keeping: ClassVar[bool] = False

    # What the caller wants done now and then while `deliver` waits for the provider.
    idle: Callable[[], None] = staticmethod(lambda: None)

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

    def look_up(self, messages: Sequence[HandedOver]) -> Iterator[Result]:
        """Ask the vendor what became of messages that got no answer. Raises SendError.

        Yields a result for each it can tell of: accepted, delivered, rejected, or temporary for
        one that it certainly does not have, so that sending it again cannot be twice. Of what
        it cannot tell nothing is yielded.
        """
        raise NotImplementedError

    def ledger(self) -> Ledger:
        """All that the vendor says it took from this provider. Raises SendError."""
        raise NotImplementedError

    def parse_webhook(self, request: HttpRequest) -> list[TrackingEvent]:
        """What one call of the vendor tells; its body was not read yet and is of a bounded size.

        Verifies the call by `webhook_secrets` first. Raises InvalidWebhook.
        """
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
    "HandedOver",
    "Ledger",
    "OutcomeUnknown",
    "OutgoingMessage",
    "ProviderConfig",
    "Result",
    "Status",
    "TrackingEvent",
]
