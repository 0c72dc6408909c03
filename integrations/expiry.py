"""Envelopes whose time is over."""

from __future__ import annotations

import datetime

from django.db import transaction

from integrations import audit, hooks
from integrations.announcing import About
from integrations.choices import EnvelopeStatus, Operation
from integrations.models import Envelope

CHUNK = 500


def expire_due(at: datetime.datetime) -> int:
    """Expire what is still open after its time; answer how many were."""
    due = Envelope.objects.filter(status__in=EnvelopeStatus.open(), expires_at__lte=at)
    rows = due.select_related("sender__account__default_mailbox").order_by("expires_at")
    return sum(_expire(row, at) for row in rows[:CHUNK])


def _expire(row: Envelope, at: datetime.datetime) -> bool:
    with transaction.atomic():
        still = Envelope.objects.filter(pk=row.pk, status__in=EnvelopeStatus.open())
        if not still.update(status=EnvelopeStatus.EXPIRED):
            return False
        row.status = EnvelopeStatus.EXPIRED
        told = hooks.envelope_event("envelope-expired", row, row.sender, at=at)
        entry = About(row.sender_id, row.pk, row.source_id).entry(Operation.EXPIRED, "")
        audit.write([entry, *told], at=at)
    return True
