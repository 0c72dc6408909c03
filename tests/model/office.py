"""What operators, recipients and providers do to the rows of a world."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable
from contextlib import suppress

from campaigns import runner
from campaigns.models import Campaign
from omnichannel import outbox, receipts, trouble
from omnichannel.backends.base import TrackingEvent
from omnichannel.choices import EventType
from omnichannel.exceptions import IllegalTransition, InvalidMessage
from omnichannel.models import (
    ChannelProvider,
    Message,
    MessageTemplate,
    Suppression,
    TemplateVersion,
)
from tests.model.ledger import Ledger

PERMANENT = {EventType.BOUNCED: "rejected"}
SOFT = "soft bounce"


class Office:
    """Part of a World: each method is one press of a button or one call from outside."""

    at: datetime.datetime
    seconds: float
    ledger: Ledger
    campaign: Campaign
    provider: ChannelProvider
    template: MessageTemplate
    held_since: dict[object, float]
    barred_in_hand: set[str]

    # --- Messages -----------------------------------------------------------------------------

    def queue(self, **values: object) -> None:
        number = next(self.numbers)
        made = {"to_address": f"p{number}@example.com", "subject": "Hi", "body_text": "Hi"}
        with suppress(InvalidMessage):
            outbox.enqueue(Message(provider=self.provider, **{**made, **values}), at=self.at)

    numbers = itertools.count(1)

    def cancel_message(self, message: Message) -> None:
        outbox.cancel(Message.objects.filter(pk=message.pk), at=self.at)

    def requeue(self, message: Message) -> None:
        if outbox.requeue(Message.objects.filter(pk=message.pk), at=self.at):
            self.ledger.requeue(str(message.key))

    def mark_as_sent(self, message: Message) -> None:
        if outbox.resolve_as_sent(Message.objects.filter(pk=message.pk), at=self.at):
            self.ledger.marked.add(str(message.key))

    # --- The campaign -------------------------------------------------------------------------

    def start(self) -> None:
        self._try(runner.start, by=None)

    def pause(self) -> None:
        if self._try(runner.pause):
            self.held_since[self._job()] = self.seconds

    def resume(self) -> None:
        if self._try(runner.resume):
            self.held_since.pop(self._job(), None)

    def cancel(self) -> None:
        if self._try(runner.cancel):
            self.held_since.setdefault(self._job(), self.seconds)

    def _job(self) -> int:
        return self.campaign.latest_run().job_id

    def _try(self, move: Callable[..., object], **values: object) -> bool:
        self.campaign.refresh_from_db()
        try:
            move(self.campaign, at=self.at, **values)
        except (IllegalTransition, runner.NotReady):
            return False
        return True

    def edit_template(self) -> None:
        number = self.template.versions.count() + 1
        text = f"Edition {number} for {{{{ first_name }}}}"
        self.template.published_version = TemplateVersion.objects.create(
            template=self.template, number=number, subject=text, html=text, compiled_text=text
        )
        self.template.save()

    # --- The provider -------------------------------------------------------------------------

    def disable(self) -> None:
        ChannelProvider.objects.update(is_active=False)
        self.held_since.setdefault("provider", self.seconds)

    def stop(self) -> None:
        trouble.stop(self.provider, "stopped by hand", self.at)
        self.held_since.setdefault("provider", self.seconds)

    def enable(self) -> None:
        ChannelProvider.objects.update(is_active=True)
        trouble.resume(self.provider)
        self.held_since.pop("provider", None)

    # --- Recipients ---------------------------------------------------------------------------

    def bar(self, message: Message) -> None:
        """The recipient must not be written to from now on: an opt-out, a complaint."""
        Suppression.objects.get_or_create(
            channel_type="email", address=message.to_address, category=""
        )
        if message.status == "sending":
            self.barred_in_hand.add(str(message.key))

    def unbar(self, message: Message) -> None:
        Suppression.objects.filter(address=message.to_address).delete()

    # --- Delivery reports ---------------------------------------------------------------------

    def report(self, key: str, kind: str, *, by_id: bool = False) -> None:
        """The provider tells what became of a message that it took; each report has its id.

        `by_id`: without our key, by the provider's own id, if that has been recorded.
        """
        by_id = by_id and Message.objects.filter(external_id=f"x-{key}").exists()
        event = TrackingEvent(
            type=EventType.BOUNCED if kind == SOFT else kind,
            at=self.at,
            key="" if by_id else key,
            external_id=f"x-{key}",
            event_id=f"e{len(self.ledger.reports)}",
            description=f"reported: {kind}",
            outcome="temporary" if kind == SOFT else PERMANENT.get(kind, ""),
        )
        self.ledger.reports.append(event)
        receipts.record(self.provider, [event], at=self.at)
