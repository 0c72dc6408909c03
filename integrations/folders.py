"""The folders of a partner: what is in them, and what the partner does to it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from django.db import transaction

from integrations import arrivals, audit
from integrations.arrivals import Arrived
from integrations.audit import Entry
from integrations.choices import Folder, Operation, Protocol, TransmissionStatus
from integrations.exceptions import IntegrationError
from integrations.models import EnvelopeEvent, FolderFile, Integration, Transmission

PAGE = 500
UNTOUCHED = (TransmissionStatus.RECEIVED, TransmissionStatus.WAITING)
OVER = (TransmissionStatus.DONE, TransmissionStatus.ERROR, TransmissionStatus.DUPLICATE)
REPORT = ".error.txt"  # beside a document in error/


class FolderRefused(IntegrationError):
    """What the partner asks for is not allowed there."""

    code = "folder"


class FileMissing(FolderRefused):
    code = "missing"


class NameTaken(FolderRefused):
    code = "taken"


class FolderFull(FolderRefused):
    code = "quota"


@dataclass(frozen=True)
class Visitor:
    """Who does it."""

    integration: int
    mailbox: int
    actor: str
    ip: str | None = None


def page(integration: int, folder: str, after: str) -> list[FolderFile]:
    """The next files by name, each with its blob; none after the last."""
    rows = FolderFile.objects.filter(integration=integration, folder=folder, name__gt=after)
    return list(rows.select_related("blob").order_by("name")[:PAGE])


def find(integration: int, folder: str, name: str) -> FolderFile:
    """With its blob and transmission. Raises FileMissing."""
    rows = FolderFile.objects.filter(integration=integration, folder=folder, name=name)
    row = rows.select_related("blob", "transmission").first()
    if row is None:
        raise FileMissing("There is no such file.")
    return row


def remove(visitor: Visitor, folder: str, name: str, *, at: datetime.datetime) -> None:
    """A document that nobody has begun to process is cancelled by it."""
    with transaction.atomic():
        row = find(visitor.integration, folder, name)
        if folder in Folder.taken_in() and row.transmission_id:
            _cancel(row.transmission_id, at)
        _take_away(row)
        _write(visitor, Operation.REMOVED, f"{folder}/{name}", row, at)


def _cancel(transmission: int, at: datetime.datetime) -> None:
    rows = Transmission.objects.filter(pk=transmission)
    cancelled = rows.filter(status__in=UNTOUCHED).update(
        status=TransmissionStatus.ERROR,
        error_code="removed",
        error_text="The partner removed the file before it was processed.",
        done_at=at,
    )
    if not cancelled and not rows.filter(status__in=OVER).exists():
        raise FolderRefused("The file is being processed. It can no longer be removed.", "in_work")


def rename(
    visitor: Visitor, folder: str, old: str, new: str, *, overwrite: bool, at: datetime.datetime
) -> None:
    """Within a folder. A document that nobody has begun to process gets its new name too."""
    if old == new:
        find(visitor.integration, folder, old)
        return
    with transaction.atomic():
        row = find(visitor.integration, folder, old)
        _make_way(visitor, folder, new, overwrite=overwrite and folder in Folder.taken_in())
        if folder in Folder.taken_in() and row.transmission_id:
            untouched = Transmission.objects.filter(pk=row.transmission_id, status__in=UNTOUCHED)
            if not untouched.update(filename=new):
                raise FolderRefused("The file is being processed. It keeps its name.", "in_work")
        if not FolderFile.objects.filter(pk=row.pk, name=old).update(name=new):
            raise FileMissing("There is no such file.")
        _write(visitor, Operation.CHANGED, f"{folder}/{old} is now {folder}/{new}", row, at)


def arrive(
    visitor: Visitor, folder: str, old: str, new: str, *, overwrite: bool, at: datetime.datetime
) -> Transmission:
    """A file that was put there under a name for what is not complete yet gets its own name."""
    with transaction.atomic():
        row = find(visitor.integration, folder, old)
        if row.transmission_id:
            raise FolderRefused("The file is a document already.", "document")
        _make_way(visitor, folder, new, overwrite=overwrite)
        _take_away(row)
        return arrivals.take_in(_arrived(visitor, folder, new, row), at=at)


def reprocess(
    visitor: Visitor, old: str, folder: str, new: str, *, overwrite: bool, at: datetime.datetime
) -> Transmission:
    """Move a document from error/ to a folder whose files are taken in: it is done once more."""
    with transaction.atomic():
        row = find(visitor.integration, Folder.ERROR, old)
        before = row.transmission
        if before is None or not before.is_incoming or before.blob_id != row.blob_id:
            raise FolderRefused("Only a document can be processed again.", "not_document")
        _make_way(visitor, folder, new, overwrite=overwrite)
        _take_away(row)
        FolderFile.objects.filter(
            integration=visitor.integration, folder=Folder.ERROR, name=f"{old}{REPORT}"
        ).delete()
        again = arrivals.take_in(_arrived(visitor, folder, new, row, before), at=at)
        _write(visitor, Operation.REPROCESSED, f"error/{old} as {folder}/{new}", row, at)
    return again


def _arrived(
    visitor: Visitor, folder: str, name: str, row: FolderFile, repeats: Transmission | None = None
) -> Arrived:
    return Arrived(
        integration=Integration.objects.get(pk=visitor.integration),
        protocol=Protocol.SFTP,
        filename=name,
        blob=row.blob,
        folder=folder,
        peer=visitor.actor,
        peer_ip=visitor.ip,
        repeats=repeats,
    )


def _make_way(visitor: Visitor, folder: str, name: str, *, overwrite: bool) -> None:
    """For a file that gets this name. What is done about the one that has it goes on."""
    there = FolderFile.objects.filter(integration=visitor.integration, folder=folder, name=name)
    if overwrite:
        there.delete()
    elif there.exists():
        raise NameTaken("There is a file of this name. Remove it first.")


def _take_away(row: FolderFile) -> None:
    deleted, _ = FolderFile.objects.filter(pk=row.pk, name=row.name).delete()
    if not deleted:
        raise FileMissing("There is no such file.")


def fetched(visitor: Visitor, row: FolderFile, *, at: datetime.datetime) -> None:
    """The partner has all of it. Written once for each file; what carried it is done."""
    with transaction.atomic():
        if row.transmission_id:
            on_its_way = (TransmissionStatus.QUEUED, TransmissionStatus.SENT)
            Transmission.objects.filter(
                pk=row.transmission_id, is_incoming=False, status__in=on_its_way
            ).update(status=TransmissionStatus.DONE, done_at=at)
        FolderFile.objects.select_for_update().filter(pk=row.pk).first()  # one at a time
        text = f"{row.folder}/{row.name}"
        told = EnvelopeEvent.objects.filter(
            operation=Operation.FETCHED,
            mailbox_id=visitor.mailbox,
            transmission_id=row.transmission_id,
            text=text,
            at__gte=row.created_at,
        )
        if not told.exists():
            _write(visitor, Operation.FETCHED, text, row, at)


def _write(
    visitor: Visitor, operation: Operation, text: str, row: FolderFile, at: datetime.datetime
) -> None:
    entry = Entry(
        operation,
        text,
        mailbox=visitor.mailbox,
        transmission=row.transmission_id,
        actor=visitor.actor,
        ip=visitor.ip,
        detail={"size": row.blob.size, "sha256": row.blob.sha256},
    )
    audit.write([entry], at=at)


def remove_stale(before: datetime.datetime) -> int:
    """Uploads that were given up under a name for what is not complete yet. How many there were."""
    rows = FolderFile.objects.filter(
        folder__in=Folder.taken_in(), transmission=None, created_at__lt=before
    )
    return rows.delete()[0]
