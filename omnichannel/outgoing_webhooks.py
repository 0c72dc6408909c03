"""What operators and callers do with outgoing webhooks and their deliveries."""

from __future__ import annotations

import datetime

from django.db import transaction
from django.db.models import Q

from omnichannel import people, webhook_calls, webhook_payloads, webhook_walk
from omnichannel.backends.outside_line import OutsideLine
from omnichannel.choices import WebhookEvent, WebhookStatus
from omnichannel.crypto import SecretUnreadable
from omnichannel.models import OutgoingWebhook, WebhookDelivery
from omnichannel.models.outgoing_webhooks import (
    WebhookDeliveryQuerySet,
    new_event_id,
    new_secret,
)
from omnichannel.people import Address, Holding
from omnichannel.webhook_verdicts import Verdict

BOTH_LIVE = datetime.timedelta(hours=24)
WELL = {
    "stopped_at": None,
    "stopped_reason": "",
    "failures": 0,
    "failing_since": None,
    "rests_until": None,
}
TEST_TEXT = "This is a test event from Omnichannel Studio."


def rotate(webhook: OutgoingWebhook, *, at: datetime.datetime) -> str:
    """Give it a new secret, which is answered; calls bear a signature by the old one for a day."""
    secret = new_secret()
    with transaction.atomic():
        row = OutgoingWebhook.objects.select_for_update().get(pk=webhook.pk)
        try:
            old, until = row.secret, at + BOTH_LIVE
        except SecretUnreadable:  # nobody can sign by it any more
            old, until = "", None
        rows = OutgoingWebhook.objects.filter(pk=row.pk)
        rows.update(secret=secret, old_secret=old, old_secret_until=until)
    return secret


def start(webhook: OutgoingWebhook) -> bool:
    """Call a stopped one again, at once; False when it was not stopped and does not rest."""
    ill = Q(stopped_at__isnull=False) | Q(failures__gt=0)
    started = OutgoingWebhook.objects.filter(ill, pk=webhook.pk).update(**WELL)
    webhook_walk.begin()
    return started == 1


def send_test(webhook: OutgoingWebhook, *, at: datetime.datetime, seconds: float = 10) -> Verdict:
    """One call with an event of its own, now, whatever its state. It is not kept."""
    data = {"webhook": webhook.name, "text": TEST_TEXT, "events": webhook.event_types}
    body = webhook_payloads.of(webhook_payloads.TEST, data, at)
    line = OutsideLine(webhook_calls.target_of(webhook))
    try:
        return webhook_calls.call(webhook, line, new_event_id(), body, at, seconds=seconds)
    finally:
        line.close()


def send_again(deliveries: WebhookDeliveryQuerySet, *, at: datetime.datetime) -> int:
    """Tell the same once more, with all tries before it; answer how many.

    Left alone is what waits for its first call. The event's id stays: who had it knows it.
    """
    again = deliveries.exclude(status=WebhookStatus.WAITING)
    return again.update(status=WebhookStatus.WAITING, due_at=at, attempts=0)


def known_events() -> tuple[str, ...]:
    return tuple(WebhookEvent.values)


def _about(address: Address) -> WebhookDeliveryQuerySet:
    mine = Q(address__in={spelling.lower() for spelling in address.spellings})
    if copied := list(people.copies_to(address).values_list("pk", flat=True)[: people.FEW]):
        mine |= Q(message_id__in=copied, body__icontains=address.text)
    return WebhookDelivery.objects.filter(mine)


# What is kept here of a person, for their page.
deliveries_about = Holding(
    name="webhook_deliveries",
    label="webhook delivery",
    count=lambda address: _about(address).count(),
    export=lambda address: (
        _about(address)
        .values("webhook__name", "event_id", "type", "body", "status", "created_at")
        .iterator()
    ),
    erase=lambda address, at: _about(address).delete()[0],
)
