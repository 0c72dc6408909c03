"""Envelopes: how they begin, and what becomes of them by hand."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from integrations import audit, blobs, hooks
from integrations.audit import Entry
from integrations.choices import DeliveryStatus, EnvelopeStatus, Operation
from integrations.exceptions import IntegrationError
from integrations.models import (
    Blob,
    DocumentTemplateVersion,
    Envelope,
    EnvelopeDelivery,
    EnvelopeDocument,
    Mailbox,
    Transmission,
)
from omnichannel import doorbell

DELIVER = "integrations.tasks.deliver_envelopes"
LONGEST_SUBJECT = 255


class NotPossible(IntegrationError):
    """The envelope is not in a state from which this is allowed. Nothing was changed."""

    code = "state"


@dataclass(frozen=True)
class Paper:
    """A document of an envelope whose bytes are stored."""

    name: str
    media_type: str
    blob: Blob


@dataclass(frozen=True)
class Draft:
    """What is to become an envelope."""

    sender: Mailbox
    recipients: Sequence[Mailbox]
    subject: str
    message: str = ""
    papers: Sequence[Paper] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Any] = field(default_factory=dict)
    template_version: DocumentTemplateVersion | None = None
    native: Blob | None = None
    expires_at: datetime.datetime | None = None
    chain: uuid.UUID | None = None  # of the envelopes that it belongs to


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
        f"{len(draft.papers)} documents to {len(draft.recipients)} mailboxes",
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
    whole = Draft(**{**vars(draft), "papers": [*draft.papers, *stored]})
    with transaction.atomic():
        envelope, entries = write(whole, at=at, actor=by)
        audit.write(entries, at=at)
    return envelope


def complete(envelope: Envelope, *, by: str, at: datetime.datetime) -> None:
    """Everybody did with it what they should. Raises NotPossible."""
    with transaction.atomic():
        _move(envelope, EnvelopeStatus.COMPLETED)
        told = hooks.envelope_event("envelope-completed", envelope, envelope.sender, at=at)
        audit.write([_by_hand(Operation.COMPLETED, envelope, by), *told], at=at)


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
