"""Imports files into audiences, in chunks, in the background.

A chunk, its counts and the place where the next one begins are committed together. So a killed
import goes on where it was, and a cancelled one stops before its next chunk.
"""

from __future__ import annotations

import datetime
import errno
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable

from django.db import DataError, IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from campaigns import expansion
from campaigns.choices import ImportStatus
from campaigns.import_mapping import Mapping
from campaigns.import_run import LEASE, ImportRun, Interrupted, drop_file, end_import
from campaigns.models import Audience, AudienceImport
from omnichannel import doorbell
from omnichannel.exceptions import Busy, IllegalTransition, ImportRefused

log = logging.getLogger(__name__)


class NotYet(ImportRefused, Busy):
    """Something else is being done with the audience: the same can be asked for later."""


def submit(row: AudienceImport) -> None:
    """Queue an uploaded file whose mapping, mode and region are set on `row`.

    Raises ImportRefused (another import runs, or the mapping cannot be used) and
    IllegalTransition (it was started already).
    """
    Mapping.from_json(row.mapping).check()
    if not row.encoding:
        raise ImportRefused("Choose the encoding of the file.")
    if expansion.reads_from(row.audience_id):
        raise NotYet(
            "A campaign is writing its messages from this audience. Try again in a minute."
        )
    names = ("encoding", "delimiter", "has_header", "mode", "default_region", "headers", "mapping")
    values = {name: getattr(row, name) for name in names}
    try:
        with transaction.atomic():
            # Records that are just being added one by one are there before the file is read.
            Audience.objects.select_for_update().get(pk=row.audience_id)
            queued = AudienceImport.objects.filter(pk=row.pk, status=ImportStatus.UPLOADED).update(
                status=ImportStatus.QUEUED, **values
            )
    except IntegrityError as error:
        raise NotYet(
            "Another import into this audience is still running. Wait for its end or cancel it."
        ) from error
    if not queued:
        raise IllegalTransition("This import was started already.")
    doorbell.ring("campaigns.tasks.run_audience_imports")


def cancel(row: AudienceImport, *, at: datetime.datetime) -> None:
    """Stop a queued or running import; what is imported stays. Raises IllegalTransition."""
    if not end_import(row, ImportStatus.CANCELLED, at=at):
        raise IllegalTransition("This import is not running: there is nothing to cancel.")


def discard(row: AudienceImport) -> None:
    """Forget an upload that was never started. Raises IllegalTransition.

    The audience goes too when it was made for this file and has nothing else.
    """
    gone, _ = AudienceImport.objects.filter(pk=row.pk, status=ImportStatus.UPLOADED).delete()
    if not gone:
        raise IllegalTransition("This import was started already: cancel it instead.")
    drop_file(row)
    audience = row.audience
    if row.made_audience and not audience.members.exists() and not audience.imports.exists():
        audience.delete()


def run_queued(*, until: float, stopped: Callable[[], bool]) -> int:
    """Work on waiting imports until `until` (monotonic seconds). The number of rows read."""
    rows = 0
    while time.monotonic() < until and not stopped():
        row = claim(timezone.now())
        if row is None:
            break
        rows += _work(row, until, stopped)
    return rows


def claim(at: datetime.datetime) -> AudienceImport | None:
    """The next import to work on: queued, or running with nobody alive behind it."""
    free = Q(status=ImportStatus.QUEUED) | Q(status=ImportStatus.RUNNING, lease_until__lte=at)
    worker = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"
    for pk in AudienceImport.objects.filter(free).order_by("id").values_list("pk", flat=True)[:10]:
        taken = AudienceImport.objects.filter(free, pk=pk).update(
            status=ImportStatus.RUNNING, claimed_by=worker, lease_until=at + LEASE
        )
        if taken:
            AudienceImport.objects.filter(pk=pk, started_at=None).update(started_at=at)
            return AudienceImport.objects.select_related("audience").get(pk=pk)
    return None


def _work(row: AudienceImport, until: float, stopped: Callable[[], bool]) -> int:
    before = row.rows_done
    try:
        with ImportRun(row) as run:
            run.work(until, stopped)
    except Interrupted:
        log.info("Import %s was cancelled or is another worker's now.", row.pk)
    except (ImportRefused, OSError, DataError, IntegrityError) as error:
        log.exception("Import %s failed.", row.pk)
        end_import(
            row, ImportStatus.FAILED, at=timezone.now(), error=_say(error), by=row.claimed_by
        )
    return row.rows_done - before


def _say(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "The uploaded file is gone. Upload it again."
    if isinstance(error, ImportRefused):
        return str(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk for uploads is full. Free space on it, then upload the file again."
    return f"It stopped at an error that is not the file's: {error}"
