"""Asking providers what became of uncertain messages, and settling those they can tell of."""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import QuerySet

from omnichannel import backends, outbox
from omnichannel.backends.base import Backend, HandedOver, Result
from omnichannel.choices import EventType, MessageStatus, Outcome
from omnichannel.exceptions import OmnichannelError
from omnichannel.models import ChannelProvider, Message, MessageEvent
from omnichannel.models.messages import MessageQuerySet
from omnichannel.outgoing import backend_of
from omnichannel.recording import clean, code_of

PAGE = 500  # messages of one question
_SETTLED = {
    Outcome.ACCEPTED: (MessageStatus.SENT, EventType.SENT),
    Outcome.DELIVERED: (MessageStatus.DELIVERED, EventType.DELIVERED),
    Outcome.REJECTED: (MessageStatus.FAILED, EventType.REJECTED),
}


@dataclass
class Answers:
    """How many messages were asked about, and what became of them."""

    asked: int = 0
    arrived: int = 0
    refused: int = 0
    sent_again: int = 0  # it never had them
    troubles: list[str] = field(default_factory=list)

    @property
    def left(self) -> int:
        return self.asked - self.arrived - self.refused - self.sent_again


def able_backends() -> list[str]:
    """The types of provider that can be asked."""
    return [slug for slug, backend in backends.registry().items() if backend.can_look_up]


def askable_providers() -> QuerySet[ChannelProvider]:
    """Those whose vendor can be asked."""
    return ChannelProvider.objects.filter(backend__in=able_backends())


def askable(messages: MessageQuerySet) -> MessageQuerySet:
    """Those that are uncertain at a provider that can be asked."""
    return messages.filter(
        status=MessageStatus.UNCERTAIN, provider__backend__in=able_backends()
    ).order_by("pk")


def look_up(messages: MessageQuerySet, *, at: datetime.datetime, until: float) -> Answers:
    """Ask about the askable ones until `until` (monotonic) has come.

    What the provider has becomes Sent or Delivered, what it refused Failed, and what it never
    had is put back into the queue. Of what it cannot tell nothing changes.
    """
    chosen = askable(messages)
    answers = Answers(asked=chosen.order_by().count())
    providers = chosen.order_by().values_list("provider", flat=True).distinct()
    for provider in ChannelProvider.objects.filter(pk__in=list(providers)):
        _ask_provider(provider, chosen.filter(provider=provider), answers, at, until)
    return answers


def _ask_provider(
    provider: ChannelProvider,
    chosen: MessageQuerySet,
    answers: Answers,
    at: datetime.datetime,
    until: float,
) -> None:
    last = 0
    try:
        backend = backend_of(provider)
    except OmnichannelError as error:
        answers.troubles.append(f"{provider}: {error}")
        return
    try:
        while time.monotonic() < until and (page := list(_columns(chosen.filter(pk__gt=last)))):
            _ask(backend, provider, page, answers, at)
            last = page[-1].pk
    except OmnichannelError as error:
        answers.troubles.append(f"{provider}: {error}")
    finally:
        backend.close()


def _columns(chosen: MessageQuerySet) -> MessageQuerySet:
    return chosen.select_related(None).only("key", "to_address", "external_id", "created_at")[:PAGE]


def _ask(
    backend: Backend,
    provider: ChannelProvider,
    page: Sequence[Message],
    answers: Answers,
    at: datetime.datetime,
) -> None:
    rows = {str(row.key): row for row in page}
    asked = [
        HandedOver(key, row.to_address, row.created_at, row.external_id)
        for key, row in rows.items()
    ]
    never: list[int] = []
    results = list(backend.look_up(asked))  # no network inside a transaction
    with transaction.atomic():
        for result in results:
            row = rows.get(result.key)
            if row is None:
                continue
            if result.outcome == Outcome.TEMPORARY:
                never.append(row.pk)
            elif result.outcome in _SETTLED and _settle(provider, row, result, at):
                answers.arrived += result.outcome != Outcome.REJECTED
                answers.refused += result.outcome == Outcome.REJECTED
    lost = Message.objects.filter(pk__in=never, status=MessageStatus.UNCERTAIN)
    answers.sent_again += outbox.requeue(lost, at=at)


def _settle(provider: ChannelProvider, row: Message, result: Result, at: datetime.datetime) -> bool:
    """False when the message moved on meanwhile."""
    status, event = _SETTLED[Outcome(result.outcome)]
    is_refused = status == MessageStatus.FAILED
    moved = Message.objects.filter(pk=row.pk, status=MessageStatus.UNCERTAIN).move(
        status,
        external_id=clean(result.external_id, 255) or row.external_id,
        error_code=code_of(result.code) if is_refused else "",
        error_message=clean(result.text) if is_refused else "",
    )
    if moved:
        MessageEvent.objects.create(
            message=row,
            provider=provider,
            type=event,
            at=at,
            status=status,
            code=code_of(result.code),
            description=clean(f"Looked up: {result.text}"),
        )
    return moved == 1
