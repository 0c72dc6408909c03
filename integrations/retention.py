"""Bytes that nobody needs any more: old documents, and what a crash left behind.

Of a document that is too old only the bytes go; its rows, its digest and the audit trail stay.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.db.models import Exists, ForeignKey, OuterRef, Q, QuerySet
from django.db.models.fields.reverse_related import ForeignObjectRel

from integrations import blobs, folders
from integrations.choices import DeliveryStatus, TransmissionStatus
from integrations.models import (
    Blob,
    ConversionRule,
    EnvelopeDelivery,
    EnvelopeDocument,
    FolderFile,
    Transmission,
)
from integrations.models.blobs import folder

CHUNK = 500
LEFT_BEHIND = datetime.timedelta(days=1)
GIVEN_UP = datetime.timedelta(days=7)  # an upload that was never given its name
UNDER_WAY = (
    TransmissionStatus.RECEIVED,
    TransmissionStatus.WORKING,
    TransmissionStatus.WAITING,
    TransmissionStatus.QUEUED,
    TransmissionStatus.SENT,
)
TO_DELIVER = (DeliveryStatus.RECEIVED, DeliveryStatus.WORKING, DeliveryStatus.WAITING)

Stopped = Callable[[], bool]


def purge(at: datetime.datetime, *, stopped: Stopped = lambda: False) -> int:
    """Answers how many files went. Broken off anywhere, the next run goes on."""
    gone = 0
    folders.remove_stale(at - GIVEN_UP)
    for step in (_purge_old, _purge_unused, _purge_files, _purge_scratch):
        gone += step(at, stopped)
    return gone


def keep_days() -> int:
    """Days that documents are kept; 0: for ever."""
    return int(settings.KEEP_DOCUMENTS_DAYS)


def _purge_old(at: datetime.datetime, stopped: Stopped) -> int:
    if not keep_days():
        return 0
    limit = at - datetime.timedelta(days=keep_days())
    old = Blob.objects.filter(purged_at=None, created_at__lt=limit).exclude(_needed())
    gone = 0
    while not stopped() and (rows := list(old.order_by("created_at")[:CHUNK])):
        # The mark comes first: bytes without it would be a document that was lost.
        Blob.objects.filter(pk__in=[row.pk for row in rows]).update(purged_at=at)
        gone += _unlink(rows)
    return gone


def _unlink(rows: list[Blob]) -> int:
    for row in rows:
        row.path.unlink(missing_ok=True)
    return len(rows)


def _needed() -> Q:
    """Blobs that are shown to a partner, under way, or the example of a rule."""
    blob = OuterRef("pk")
    sent = Transmission.objects.filter(status__in=UNDER_WAY)
    waiting = EnvelopeDelivery.objects.filter(envelope=OuterRef("envelope"), status__in=TO_DELIVER)
    papers = EnvelopeDocument.objects.filter(Exists(waiting), blob=blob)
    return (
        Q(Exists(FolderFile.objects.filter(blob=blob)))
        | Q(Exists(sent.filter(Q(blob=blob) | Q(wire=blob) | Q(mdn=blob))))
        | Q(Exists(papers))
        | Q(Exists(ConversionRule.objects.filter(example=blob)))
    )


def _purge_unused(at: datetime.datetime, stopped: Stopped) -> int:
    """Rows that nothing names: the transaction that was to name them never was."""
    unused: QuerySet[Blob] = Blob.objects.filter(created_at__lt=at - LEFT_BEHIND)
    for field in Blob._meta.get_fields(include_hidden=True):
        if isinstance(field, ForeignObjectRel) and isinstance(field.field, ForeignKey):
            name = field.field.name
            naming = field.related_model._default_manager.filter(**{name: OuterRef("pk")})
            unused = unused.exclude(Exists(naming))
    gone = 0
    while not stopped() and (rows := list(unused.order_by("created_at")[:CHUNK])):
        Blob.objects.filter(pk__in=[row.pk for row in rows]).delete()
        gone += _unlink(rows)
    return gone


def _purge_files(at: datetime.datetime, stopped: Stopped) -> int:
    """Files without a row, or whose row says that they went."""
    gone = 0
    files = _old_files(at)
    while not stopped() and (chunk := dict(islice(files, CHUNK))):
        known = Blob.objects.filter(pk__in=list(chunk), purged_at=None)
        for key in set(chunk) - set(known.values_list("pk", flat=True)):
            chunk[key].unlink(missing_ok=True)
            gone += 1
    return gone


def _old_files(at: datetime.datetime) -> Iterator[tuple[uuid.UUID, Path]]:
    for path in folder().glob("??/*"):
        try:
            key = uuid.UUID(hex=path.name)
        except ValueError:
            continue  # it is not ours
        if _is_left(path, at):
            yield key, path


def _purge_scratch(at: datetime.datetime, stopped: Stopped) -> int:
    gone = 0
    for path in (folder() / blobs.SCRATCH).glob("*"):
        if not stopped() and _is_left(path, at):
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def _is_left(path: Path, at: datetime.datetime) -> bool:
    try:
        return path.stat().st_mtime < (at - LEFT_BEHIND).timestamp()
    except FileNotFoundError:
        return False
