"""Envelopes: how they begin, and what becomes of them by hand."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction

from integrations import archives, audit, blobs, hooks
from integrations.audit import Entry
from integrations.choices import DeliveryStatus, EnvelopeStatus, Operation
from integrations.drafts import Draft, NotPossible, Paper
from integrations.models import (
    Envelope,
    EnvelopeDelivery,
    EnvelopeDocument,
    Transmission,
)
from omnichannel import doorbell

DELIVER = "integrations.tasks.deliver_envelopes"
LONGEST_SUBJECT = 255

__all__ = ["Draft", "NotPossible", "Paper", "cancel", "complete", "see", "send", "write"]


def write(
    draft: Draft,
    *,
    at: datetime.datetime,
    source: Transmission | None = None,
    number: int = 0,
    actor: str = audit.SYSTEM,
) -> tuple[Envelope, list[Entry]]:
    """The rows, in the caller's transaction, and what the audit trail is to say of them."""
    envelope = Envelope.objects.create(
        key=draft.key or uuid.uuid4(),
        sender=draft.sender,
        subject=draft.subject[:LONGEST_SUBJECT],
        message=draft.message,
        template_version=draft.template_version,
        fields=dict(draft.fields),
        tables=dict(draft.tables),
        native=draft.native,
        source=source,
        source_number=number,
        created_at=at,
        expires_at=draft.expires_at,
        chain=draft.chain or uuid.uuid4(),
    )
    EnvelopeDocument.objects.bulk_create(
        EnvelopeDocument(
            envelope=envelope,
            number=place,
            name=paper.name[:255],
            media_type=paper.media_type[:100],
            blob=paper.blob,
        )
        for place, paper in enumerate(draft.papers, start=1)
    )
    EnvelopeDelivery.objects.bulk_create(
        EnvelopeDelivery(envelope=envelope, mailbox=mailbox, received_at=at)
        for mailbox in draft.recipients
    )
    doorbell.ring(DELIVER)
    entries = _of_sending(envelope, draft, source, actor)
    return envelope, entries + hooks.envelope_event("envelope-sent", envelope, draft.sender, at=at)


def _of_sending(
    envelope: Envelope, draft: Draft, source: Transmission | None, actor: str
) -> list[Entry]:
    made_of = source.pk if source else None
    detail = {
        "documents": [
            {"name": each.name, "size": each.blob.size, "sha256": each.blob.sha256}
            for each in draft.papers
        ]
    }
    sent = Entry(
        Operation.SENT,
        f"Documents: {len(draft.papers)}, mailboxes: {len(draft.recipients)}",
        mailbox=draft.sender.pk,
        actor=actor,
        envelope=envelope.pk,
        transmission=made_of,
        detail=detail,
    )
    received = [
        Entry(
            Operation.RECEIVED,
            str(mailbox),
            mailbox=mailbox.pk,
            envelope=envelope.pk,
            transmission=made_of,
        )
        for mailbox in draft.recipients
    ]
    return [sent, *received]


def send(
    draft: Draft, files: Sequence[tuple[str, str, bytes]] = (), *, by: str, at: datetime.datetime
) -> Envelope:
    """Compose one by hand. `files`: (name, media type, bytes). Raises NotPossible."""
    if not draft.recipients:
        raise NotPossible("Choose a recipient.")
    stored = [Paper(name, media_type, blobs.store(data)) for name, media_type, data in files]
    whole = replace(draft, papers=[*draft.papers, *stored])
    with transaction.atomic():
        envelope, entries = write(whole, at=at, actor=by)
        audit.write(entries, at=at)
    return envelope


def complete(envelope: Envelope, *, by: str, at: datetime.datetime) -> None:
    """Everybody did with it what they should: the archives that rules ask for are sent.

    Raises NotPossible, or another IntegrationError when an archive cannot be made.
    """
    ready = archives.prepare(envelope)
    with transaction.atomic():
        _move(envelope, EnvelopeStatus.COMPLETED)
        sent = [entry for archive in ready for entry in archive.send(at=at)]
        told = hooks.envelope_event("envelope-completed", envelope, envelope.sender, at=at)
        audit.write([_by_hand(Operation.COMPLETED, envelope, by), *sent, *told], at=at)


def cancel(envelope: Envelope, reason: str, *, by: str, at: datetime.datetime) -> None:
    """Raises NotPossible. What was delivered stays where it is."""
    with transaction.atomic():
        _move(envelope, EnvelopeStatus.CANCELLED, reject_reason=reason[:500])
        audit.write([_by_hand(Operation.CANCELLED, envelope, by, reason)], at=at)


def see(delivery: EnvelopeDelivery, *, by: str, at: datetime.datetime) -> None:
    """An operator looked at it. Only the first time counts."""
    with transaction.atomic():
        rows = EnvelopeDelivery.objects.filter(pk=delivery.pk, seen_at=None)
        if not rows.update(seen_at=at):
            return
        rows = EnvelopeDelivery.objects.filter(pk=delivery.pk, status=DeliveryStatus.KEPT)
        rows.update(status=DeliveryStatus.SEEN)
        entry = Entry(
            Operation.SEEN,
            str(delivery.mailbox),
            mailbox=delivery.mailbox_id,
            envelope=delivery.envelope_id,
            actor=by,
        )
        audit.write([entry], at=at)
    delivery.refresh_from_db()


def _move(envelope: Envelope, status: EnvelopeStatus, **fields: str) -> None:
    rows = Envelope.objects.filter(pk=envelope.pk, status__in=EnvelopeStatus.open())
    if not rows.update(status=status, **fields):
        raise NotPossible("The envelope is completed, cancelled or expired already.")
    envelope.status = status
    for name, value in fields.items():
        setattr(envelope, name, value)


def _by_hand(operation: Operation, envelope: Envelope, by: str, text: str = "") -> Entry:
    return Entry(operation, text, mailbox=envelope.sender_id, envelope=envelope.pk, actor=by)
