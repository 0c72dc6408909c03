"""A complete upload becomes a document, or a file that waits for its own name."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction
from django.db.models import Count, Q, Sum

from integrations import arrivals, blobs
from integrations.arrivals import Arrived
from integrations.choices import Protocol
from integrations.folders import FolderFull, FolderRefused, NameTaken
from integrations.models import FolderFile, Integration
from integrations.protocols.sftp.names import Place, is_unfinished
from integrations.protocols.sftp.partners import Partner

MOST_FILES = 20_000  # of a partner, in all folders


@dataclass(frozen=True)
class Complete:
    """All bytes of an upload, synced to the disk."""

    path: Path
    size: int
    sha256: str


def begin(partner: Partner, place: Place, *, exclusive: bool) -> tuple[Path, int, int]:
    """A new file to write to, its descriptor, and how many bytes there is room for."""
    here = FolderFile.objects.filter(
        integration=partner.integration, folder=place.folder, name=place.name
    )
    if exclusive and here.exists():
        raise NameTaken("There is a file of this name.")
    room = _room(partner, place)
    path = blobs.scratch()
    return path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), room


def _room(partner: Partner, place: Place) -> int:
    here = Q(folder=place.folder, name=place.name)
    used = FolderFile.objects.filter(integration=partner.integration).aggregate(
        bytes=Sum("blob__size", filter=~here), files=Count("pk", filter=~here)
    )
    if used["files"] >= MOST_FILES:
        raise FolderFull(f"There are {used['files']} files. Fetch or remove some first.")
    room = partner.quota - (used["bytes"] or 0)
    if room <= 0:
        raise FolderFull("The quota is used up. Fetch or remove files first.")
    return room


def publish(
    partner: Partner, ip: str, place: Place, complete: Complete, *, at: datetime.datetime
) -> None:
    """In one transaction. When it is refused, nothing is left."""
    try:
        with transaction.atomic():
            integration = _still_open(partner)
            if complete.size > _room(partner, place):
                raise FolderFull("The quota is used up. Fetch or remove files first.")
            _put(integration, partner, ip, place, complete, at)
    finally:
        complete.path.unlink(missing_ok=True)


def _still_open(partner: Partner) -> Integration:
    """As it was at the sign-in: who was shut out since then leaves nothing behind."""
    rows = Integration.objects.filter(
        pk=partner.integration, active=True, generation=partner.generation
    )
    integration = rows.first()
    if integration is None:
        raise FolderRefused("The connection was closed by the operator. Sign in again.", "closed")
    return integration


def _put(
    integration: Integration,
    partner: Partner,
    ip: str,
    place: Place,
    complete: Complete,
    at: datetime.datetime,
) -> None:
    blob = blobs.adopt(complete.path, complete.size, complete.sha256)
    if is_unfinished(place.name):
        FolderFile.objects.update_or_create(
            integration=integration,
            folder=place.folder,
            name=place.name,
            defaults={"blob": blob, "transmission": None, "created_at": at},
        )
        return
    arrived = Arrived(
        integration=integration,
        protocol=Protocol.SFTP,
        filename=place.name,
        blob=blob,
        folder=place.folder,
        peer=partner.login,
        peer_ip=ip,
    )
    arrivals.take_in(arrived, at=at)
