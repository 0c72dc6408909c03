"""Word for people and for business events, in the transaction of what it is about.

So it is there exactly when that is committed. What cannot be said breaks nothing: the audit trail
tells why it was not.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from integrations.audit import Entry
from integrations.choices import Operation
from omnichannel import dispatch, submissions
from omnichannel.choices import Category, ChannelType
from omnichannel.exceptions import OmnichannelError
from omnichannel.models import Event
from omnichannel.submissions import Submission

SOURCE = "integrations"


ADDRESSES = ("email", "phone", "push_token")


def addresses_in(fields: Mapping[str, Any], otherwise: str) -> dict[str, Any]:
    """The people whom a document names in fields of these names, else one e-mail address."""
    found = {name: fields[name] for name in ADDRESSES if fields.get(name)}
    return found or ({"email": otherwise} if otherwise else {})


@dataclass(frozen=True)
class About:
    """What an entry of the audit trail is about, by ids."""

    mailbox: int | None = None
    envelope: int | None = None
    transmission: int | None = None

    def entry(self, operation: Operation, text: str, **detail: Any) -> Entry:
        return Entry(
            operation,
            text,
            mailbox=self.mailbox,
            envelope=self.envelope,
            transmission=self.transmission,
            detail=detail,
        )


def mail(
    to: str, subject: str, text: str, about: About, *, at: datetime.datetime
) -> tuple[bool, Entry]:
    """Queue one transactional e-mail: whether it is in the queue, and what the trail says."""
    asked = Submission(
        recipients=[{"to_address": to}],
        is_single=True,
        channel_type=ChannelType.EMAIL,
        category=Category.TRANSACTIONAL,
        subject=" ".join(subject.split())[:200],
        body_text=text,
        reference=SOURCE,
    )
    try:
        with transaction.atomic():
            queued = submissions.accept(asked, at=at).messages[0]
    except OmnichannelError as error:
        return False, about.entry(Operation.FAILED, f"No e-mail was queued: {error}")
    text = f"E-mail to {to}: {queued.status}"
    return True, about.entry(Operation.MESSAGE, text, message=queued.id)


def announce(
    event_key: str,
    email: Callable[[], str],
    variables: Mapping[str, Any],
    dedupe_key: str,
    about: About,
    *,
    at: datetime.datetime,
) -> list[Entry]:
    """Trigger a business event if somebody is subscribed to it; once for its key."""
    subscribed = Event.objects.filter(key=event_key, subscriptions__is_subscribed=True)
    if not subscribed.exists():
        return []  # or an operator deleted it: nobody wants it
    recipient = {"email": to} if (to := email()) else {}
    try:
        return trigger(event_key, recipient, variables, dedupe_key, about, at=at)
    except OmnichannelError as error:
        return [about.entry(Operation.FAILED, f"The event {event_key} sent nothing: {error}")]


def trigger(
    event_key: str,
    recipient: Mapping[str, Any],
    variables: Mapping[str, Any],
    dedupe_key: str,
    about: About,
    *,
    at: datetime.datetime,
) -> list[Entry]:
    """Raises OmnichannelError; then nothing is queued."""
    with transaction.atomic():
        done = dispatch.trigger(
            event_key,
            recipient,
            variables,
            at=at,
            source=SOURCE,
            reference=dedupe_key[: dispatch.MAX_REFERENCE],
            dedupe_key=dedupe_key[: dispatch.MAX_DEDUPE],
        )
    if done.is_repeat:
        return []
    ids = [message.pk for message in done.messages]
    if not ids and not done.skipped:
        return [about.entry(Operation.MESSAGE, f"Event {event_key}: nobody is subscribed")]
    text = f"Event {event_key}: {len(ids)} message{'' if len(ids) == 1 else 's'}"
    return [about.entry(Operation.MESSAGE, text, messages=ids)]
