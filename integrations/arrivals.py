"""A document arrives from a partner: its row, its place in a folder, its entry in the trail."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from integrations import audit
from integrations.audit import Entry
from integrations.choices import MdnState, Operation, Protocol, TransmissionStatus
from integrations.models import Blob, FolderFile, Integration, Transmission
from omnichannel import doorbell

TASK = "integrations.tasks.process_transmissions"


@dataclass(frozen=True)
class Arrived:
    """A complete document. `blob` is stored, its row not yet necessarily committed."""

    integration: Integration
    protocol: Protocol
    filename: str  # safe already
    blob: Blob
    folder: str = ""
    peer: str = ""  # the login, or "self id and recipient id"
    peer_ip: str | None = None
    content_type: str = ""
    message_id: str = ""
    mic: str = ""
    security: str = ""
    headers: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    mdn_state: MdnState = MdnState.NONE
    repeats: Transmission | None = None


def take_in(arrived: Arrived, *, at: datetime.datetime) -> Transmission:
    """All of it in one transaction, or the caller's. A file that is there under the same name
    gives its place to the new one; what is done about it goes on.
    """
    with transaction.atomic():
        row = Transmission.objects.create(
            integration=arrived.integration,
            is_incoming=True,
            protocol=arrived.protocol,
            folder=arrived.folder,
            filename=arrived.filename,
            content_type=arrived.content_type[:100],
            blob=arrived.blob,
            peer=arrived.peer,
            peer_ip=arrived.peer_ip,
            message_id=arrived.message_id,
            mic=arrived.mic,
            security=arrived.security,
            headers=arrived.headers,
            attributes=arrived.attributes,
            mdn_state=arrived.mdn_state,
            repeats=arrived.repeats,
            status=TransmissionStatus.RECEIVED,
            created_at=at,
        )
        if arrived.folder:
            FolderFile.objects.update_or_create(
                integration=arrived.integration,
                folder=arrived.folder,
                name=arrived.filename,
                defaults={"blob": arrived.blob, "transmission": row, "created_at": at},
            )
        audit.write([_entry(row, arrived)], at=at)
        doorbell.ring(TASK)
    return row


def _entry(row: Transmission, arrived: Arrived) -> Entry:
    return Entry(
        Operation.TAKEN_IN,
        f"{arrived.filename} by {row.get_protocol_display()}",
        mailbox=arrived.integration.mailbox_id,
        transmission=row.pk,
        actor=arrived.peer or audit.SYSTEM,
        ip=arrived.peer_ip,
        detail={
            "folder": arrived.folder,
            "size": arrived.blob.size,
            "sha256": arrived.blob.sha256,
            "message_id": arrived.message_id,
            "security": arrived.security,
            "mic": arrived.mic,
        },
    )
