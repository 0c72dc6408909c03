"""Files in the folders that a partner sees."""

from __future__ import annotations

import datetime

from django.db import IntegrityError, transaction

from integrations.audit import Entry
from integrations.choices import Folder, Operation, Protocol, TransmissionStatus
from integrations.conversion.names import with_time
from integrations.exceptions import ConversionFailed
from integrations.models import Blob, EnvelopeDelivery, FolderFile, Integration, Transmission

TRIES = 5


def place(
    integration: Integration,
    folder: Folder,
    name: str,
    blob: Blob,
    *,
    at: datetime.datetime,
    delivery: EnvelopeDelivery | None = None,
    content_type: str = "",
) -> tuple[Transmission, Entry]:
    """A file to fetch, in the caller's transaction. To a name that is taken the time is added."""
    row = Transmission.objects.create(
        integration=integration,
        is_incoming=False,
        protocol=Protocol.SFTP,
        folder=folder,
        filename=name,
        content_type=content_type[:100],
        blob=blob,
        status=TransmissionStatus.DONE,
        delivery=delivery,
        created_at=at,
        done_at=at,
    )
    found = _free(integration, folder, name, row, at)
    if found != name:
        row.filename = found
        row.save(update_fields=["filename"])
    entry = Entry(
        Operation.PLACED,
        f"{folder}/{found}",
        mailbox=integration.mailbox_id,
        envelope=delivery.envelope_id if delivery else None,
        transmission=row.pk,
        detail={"size": blob.size, "sha256": blob.sha256},
    )
    return row, entry


def _free(
    integration: Integration, folder: Folder, name: str, row: Transmission, at: datetime.datetime
) -> str:
    """Take the name, or the first one that is free."""
    for tried in range(TRIES):
        later = at + datetime.timedelta(milliseconds=tried)
        wanted = with_time(name, later) if tried else name
        try:
            with transaction.atomic():
                FolderFile.objects.create(
                    integration=integration,
                    folder=folder,
                    name=wanted,
                    blob=row.blob,
                    transmission=row,
                    created_at=at,
                )
        except IntegrityError:
            continue
        return wanted
    raise ConversionFailed(
        f"{folder} has files of this name and moment already. Use {{randomNumber}} in the naming "
        "pattern.",
        "name",
    )


def replace(
    integration: Integration,
    folder: Folder,
    name: str,
    blob: Blob,
    *,
    at: datetime.datetime,
    transmission: Transmission | None = None,
) -> None:
    """A file under exactly this name; one that was there before gives its place to it."""
    FolderFile.objects.update_or_create(
        integration=integration,
        folder=folder,
        name=name,
        defaults={"blob": blob, "transmission": transmission, "created_at": at},
    )


def drop(*transmissions: Transmission | None) -> None:
    """What was put there by these transmissions is not shown any more."""
    ids = [row.pk for row in transmissions if row]
    FolderFile.objects.filter(transmission__in=ids).delete()
