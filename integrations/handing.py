"""A file for a partner: into a folder to be fetched, or into the queue of AS2."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from integrations import placing
from integrations.audit import Entry
from integrations.choices import Folder, Operation, Protocol, TransmissionStatus
from integrations.models import Blob, EnvelopeDelivery, Integration, Transmission
from omnichannel import doorbell

SEND = "integrations.tasks.send_as2"


def hand_over(
    integration: Integration,
    delivery: EnvelopeDelivery,
    folder: Folder,
    name: str,
    blob: Blob,
    content_type: str,
    *,
    at: datetime.datetime,
    attributes: Mapping[str, str] | None = None,
) -> list[Entry]:
    """In the caller's transaction. `folder` counts with SFTP. Raises ConversionFailed."""
    if integration.protocol == Protocol.SFTP:
        row, entry = placing.place(
            integration, folder, name, blob, at=at, delivery=delivery, content_type=content_type
        )
        if attributes:
            Transmission.objects.filter(pk=row.pk).update(attributes=dict(attributes))
        return [entry]
    row = Transmission.objects.create(
        integration=integration,
        is_incoming=False,
        protocol=Protocol.AS2,
        filename=name,
        content_type=content_type[:100],
        blob=blob,
        status=TransmissionStatus.QUEUED,
        next_attempt_at=at,
        attributes=dict(attributes or {}),
        delivery=delivery,
        created_at=at,
    )
    doorbell.ring(SEND)
    entry = Entry(
        Operation.TRANSMITTED,
        f"{name} waits to be sent by AS2",
        mailbox=integration.mailbox_id,
        envelope=delivery.envelope_id,
        transmission=row.pk,
        detail={"size": blob.size, "sha256": blob.sha256},
    )
    return [entry]
