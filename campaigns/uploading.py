"""From a file that somebody gives to an import that waits for its mapping."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.files import File
from django.db import transaction

from campaigns.import_preview import detect, preview
from campaigns.import_run import drop_file
from campaigns.models import Audience, AudienceImport
from omnichannel import uploads
from omnichannel.backends.outside_file import fetch
from omnichannel.backends.outside_line import NoAnswer, Target
from omnichannel.exceptions import ImportRefused


def examine(upload: File) -> AudienceImport:
    """Store the file and find out how it is written; the row is not saved yet.

    Raises ImportRefused, with nothing stored.
    """
    stored = uploads.receive(upload)
    row = AudienceImport(
        file=stored.name,
        original_name=(upload.name or "file")[:255],
        is_xlsx=stored.is_xlsx,
        encoding=stored.encoding,
        bytes_total=stored.size,
    )
    with dropped_unless_kept(row):
        row.delimiter, row.has_header = detect(row.file.path, stored.encoding)
        preview(row)
    return row


def keep(
    row: AudienceImport, audience: Audience | None, *, name: str = "", by: int | None = None
) -> AudienceImport:
    """Save what `examine` found: into the audience, or a new one of that name."""
    row.made_audience = audience is None
    row.created_by_id = by
    with transaction.atomic():
        row.audience = audience or Audience.objects.create(name=name)
        row.save()
    return row


@contextlib.contextmanager
def dropped_unless_kept(row: AudienceImport) -> Iterator[None]:
    """An upload that comes to nothing leaves no file behind."""
    try:
        yield
    except BaseException:
        drop_file(row)
        raise


@contextlib.contextmanager
def fetched(url: str) -> Iterator[File]:
    """The file at a URL. Raises ImportRefused."""
    target = Target(url, allow_private=settings.AUDIENCE_URL_ALLOW_PRIVATE)
    most, seconds = settings.AUDIENCE_FILE_MAX_BYTES, settings.AUDIENCE_URL_SECONDS
    with tempfile.TemporaryFile() as file:
        try:
            fetch(target, file, most=most, seconds=seconds)
        except NoAnswer as error:
            raise ImportRefused(str(error)) from error
        size = file.tell()
        file.seek(0)
        upload = File(file, name=_name(url))
        upload.size = size
        yield upload


def _name(url: str) -> str:
    return PurePosixPath(unquote(urlsplit(url).path)).name.replace("\0", "") or "file"
