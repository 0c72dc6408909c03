"""The rows of calls to other systems: taken in hand, settled, given back."""

from __future__ import annotations

import datetime
import logging
import random
from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from omnichannel.models import OutgoingWebhook, WebhookDelivery
from omnichannel.models.outgoing_webhooks import WebhookDeliveryQuerySet
from omnichannel.webhook_verdicts import GIVEN_UP_AFTER, Verdict, next_try, rest

LEASE = datetime.timedelta(seconds=60)  # longer than the calls of one batch can take
GONE = "It answered 410: it wants no more calls."
TOO_LONG = "Every call failed for five days. The last one: {0}"

logger = logging.getLogger(__name__)
_random = random.SystemRandom()


class Taken(NamedTuple):
    """A delivery that is in this worker's hand until the moment `due_at`."""

    pk: int
    event_id: str
    body: str
    attempts: int
    due_at: datetime.datetime


class Told(NamedTuple):
    taken: Taken
    verdict: Verdict
    at: datetime.datetime


def take(webhook: int, count: int, at: datetime.datetime) -> list[Taken]:
    """Take up to `count` due deliveries of a webhook in hand."""
    until = at + LEASE
    with transaction.atomic():
        rows = WebhookDelivery.objects.due(webhook, at)
        rows = rows.select_for_update(skip_locked=connection.vendor == "postgresql")
        found = list(rows.values_list("pk", "event_id", "body", "attempts")[:count])
        if found:
            WebhookDelivery.objects.filter(pk__in=[row[0] for row in found]).update(due_at=until)
    return [Taken(*row, until) for row in found]


def settle(told: Sequence[Told], untold: Sequence[Taken], at: datetime.datetime) -> None:
    """Write what came of the calls; what was not called is due at once. A row whose lease ran out
    is somebody else's.
    """
    with transaction.atomic():
        for each in told:
            _settle(each)
        for taken in untold:
            _mine(taken).update(due_at=at)


def _mine(taken: Taken) -> WebhookDeliveryQuerySet:
    return WebhookDelivery.objects.filter(pk=taken.pk, due_at=taken.due_at)


def _settle(told: Told) -> None:
    attempts = told.taken.attempts + 1
    status, due_at = next_try(told.verdict, attempts, told.at, _random.random())
    _mine(told.taken).update(
        status=status,
        due_at=due_at,
        attempts=attempts,
        last_attempt_at=told.at,
        code=told.verdict.code,
        answer=told.verdict.answer,
    )


def heed(webhook: OutgoingWebhook, told: Sequence[Told]) -> None:
    """What the calls of one batch, the last of which may have failed, say of their webhook."""
    if not told:
        return
    last = told[-1]
    rows = OutgoingWebhook.objects.filter(pk=webhook.pk)
    rows.update(last_call_at=last.at, last_result=str(last.verdict)[:200])
    if any(each.verdict.is_taken for each in told):
        ill = rows.exclude(failures=0, failing_since=None, rests_until=None)
        ill.update(failures=0, failing_since=None, rests_until=None)
    if not last.verdict.is_taken:
        _fail(webhook, last)


def _fail(webhook: OutgoingWebhook, last: Told) -> None:
    rows = OutgoingWebhook.objects.filter(pk=webhook.pk)
    rows.update(failures=F("failures") + 1, failing_since=Coalesce("failing_since", last.at))
    failures = rows.values_list("failures", flat=True).first() or 1
    rows.update(rests_until=last.at + rest(last.verdict, failures))
    if last.verdict.is_gone:
        stop(webhook, GONE, last.at)
    elif rows.filter(failing_since__lte=last.at - GIVEN_UP_AFTER).exists():
        stop(webhook, TOO_LONG.format(last.verdict), last.at)


def stop(webhook: OutgoingWebhook, reason: str, at: datetime.datetime) -> None:
    """Call it no more until an operator starts it again. What waits for it stays."""
    rows = OutgoingWebhook.objects.filter(pk=webhook.pk, stopped_at=None)
    if rows.update(stopped_at=at, stopped_reason=reason[:300]):
        logger.error("Outgoing webhook %s was stopped: %s", webhook.name, reason)
