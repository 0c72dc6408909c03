"""A business event becomes messages: one for each channel it is subscribed on."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac

from omnichannel import event_schema, outbox
from omnichannel.addresses import clean_address
from omnichannel.choices import ChannelType, MessageStatus, Priority, SkipReason
from omnichannel.event_messages import ADDRESS_OF, Draft, Skipped
from omnichannel.exceptions import InvalidEvent, InvalidMessage, UnknownEvent
from omnichannel.json_limits import trouble
from omnichannel.models import ChannelProvider, Event, EventTrigger, Message
from omnichannel.models.business_events import is_key

RESERVED = ("event", "global", "system")  # a template reaches other values by these
MAX_RECIPIENT = 20_000  # characters of all columns
MAX_DEDUPE = 255
MAX_SOURCE, MAX_REFERENCE = 20, 80


@dataclass
class Triggered:
    """What came of it. `is_repeat`: it was triggered before, and nothing was done now."""

    event: Event
    trigger: EventTrigger
    messages: list[Message] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    is_repeat: bool = False


def trigger(
    event_key: str,
    recipient: Mapping[str, Any],
    variables: Mapping[str, Any],
    *,
    at: datetime.datetime,
    source: str,
    reference: str = "",
    priority: int | None = None,
    dedupe_key: str = "",
    providers: Mapping[str, ChannelProvider] | None = None,
    uses_sandbox: bool = False,
) -> Triggered:
    """Queue one message per subscribed channel, all of them or, if one cannot be, none.

    `recipient` has the addresses (email, phone, push_token) and any further columns, `variables`
    the event's own values. With `dedupe_key` the same event is triggered once for a recipient.
    `providers` replace those that would be chosen, by channel type. `uses_sandbox`: no message
    of it may reach another provider.
    Raises UnknownEvent, or InvalidEvent that names every fault; then nothing is saved.
    """
    event = find(event_key)
    columns = _columns(recipient, _faults(event, variables, reference, dedupe_key))
    row = EventTrigger(
        event=event,
        event_key=event.key,
        source=source[:MAX_SOURCE],
        reference=reference,
        dedupe=_dedupe(event, columns, dedupe_key, uses_sandbox),
        at=at,
    )
    done = _known(event, row)
    if done:
        return done
    draft = Draft(
        event,
        columns,
        variables,
        at,
        providers=providers or {},
        priority=_priority(priority),
        uses_sandbox=uses_sandbox,
    )
    messages, skipped = draft.messages()
    return _store(Triggered(event, row, messages, skipped), at)


def find(key: str) -> Event:
    """Raises UnknownEvent."""
    event = Event.objects.filter(key=key).first() if is_key(key) else None
    if event is None:
        raise UnknownEvent([("event", f"There is no event “{key[:60]}”.")])
    return event


def _faults(
    event: Event, variables: Mapping[str, Any], reference: str, dedupe_key: str
) -> list[tuple[str, str]]:
    words = (("reference", reference, MAX_REFERENCE), ("dedupe_key", dedupe_key, MAX_DEDUPE))
    errors = [(name, said) for name, text, most in words if (said := trouble(text, most + 2))]
    try:
        event_schema.check_values(event.variables_schema, variables)
    except InvalidEvent as error:
        errors += error.errors
    return errors


def _columns(recipient: Mapping[str, Any], faults: list[tuple[str, str]]) -> dict[str, Any]:
    """The recipient's columns with clean addresses; one that is empty is left out.

    Raises InvalidEvent for its own faults and those that were found before.
    """
    said = trouble(recipient, MAX_RECIPIENT)
    if said:
        raise InvalidEvent([("recipient", said), *faults])
    columns = dict(recipient)
    errors = [
        (f"recipient.{name}", "This name is taken: give it another.")
        for name in RESERVED
        if name in columns
    ]
    for channel_type, name in ADDRESS_OF.items():
        typed = columns.pop(name, None)
        if typed in (None, ""):
            continue
        try:
            columns[name] = _cleaned(channel_type, typed)
        except InvalidMessage as error:
            errors.append((f"recipient.{name}", str(error)))
    if errors or faults:
        raise InvalidEvent([*errors, *faults])
    return columns


def _cleaned(channel_type: ChannelType, typed: Any) -> str:
    if not isinstance(typed, str):
        raise InvalidMessage("Write the address as a text.")
    return clean_address(channel_type, typed, settings.DEFAULT_PHONE_REGION)


def _dedupe(event: Event, columns: Mapping[str, Any], key: str, is_test: bool) -> str:
    """Names event, recipient and key without telling them; empty without a key.

    What a test triggered does not count for the real thing.
    """
    if not key:
        return ""
    addresses = [str(columns.get(name, "")).lower() for name in ADDRESS_OF.values()]
    text = "\n".join([f"{'test ' if is_test else ''}{event.pk}", *addresses, key])
    return salted_hmac("omnichannel.dispatch", text, algorithm="sha256").hexdigest()


def _priority(asked: int | None) -> int | None:
    if asked is not None and asked not in Priority.values:
        raise InvalidEvent([("priority", "Choose 0 (urgent) to 4 (very low).")])
    return asked


def _known(event: Event, row: EventTrigger) -> Triggered | None:
    """What the same trigger came to before."""
    before = EventTrigger.objects.filter(dedupe=row.dedupe).first() if row.dedupe else None
    if before is None:
        return None
    messages = list(Message.objects.filter(pk__in=before.messages).order_by("pk"))
    skipped = [Skipped(*each) for each in before.skipped]
    return Triggered(event, before, messages, skipped, is_repeat=True)


def _store(done: Triggered, at: datetime.datetime) -> Triggered:
    try:
        with transaction.atomic():
            done.trigger.save(force_insert=True)  # of two at once the second waits here, and ends
            done.messages = [_queued(message, at) for message in done.messages]
            done.skipped += [
                Skipped(row.provider.channel_type, SkipReason.SUPPRESSED, row.error_message)
                for row in done.messages
                if row.status == MessageStatus.SUPPRESSED
            ]
            done.trigger.messages = [row.pk for row in done.messages]
            done.trigger.skipped = [list(each) for each in done.skipped]
            done.trigger.save(update_fields=["messages", "skipped"])
    except IntegrityError as error:
        before = _known(done.event, done.trigger)
        if before:
            return before
        if not Event.objects.filter(pk=done.event.pk).exists():
            raise UnknownEvent([("event", "It was deleted just now.")]) from error
        raise
    return done


def _queued(message: Message, at: datetime.datetime) -> Message:
    try:
        return outbox.enqueue(message, at=at)
    except InvalidMessage as error:
        channel = message.provider.get_channel_type_display()
        raise InvalidEvent([(channel, str(error))]) from error
