"""Room for what is uploaded: a disk that is full is told in the page, and leaves no half a file."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.defaults import bad_request

logger = logging.getLogger(__name__)

NO_ROOM = (
    "There is no room to store this file: the disk for uploads is full. "
    "Ask an administrator to free space on it, then upload the file again."
)


class NoRoom(BadRequest):
    """The disk did not take an upload. The text is for the operator."""


def need(size: int) -> None:
    """Raises NoRoom when `size` bytes cannot be stored: asked before anything depends on it."""
    if not size:
        return
    try:
        folder = Path(settings.MEDIA_ROOT)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        raise told(error) from error


def told(error: OSError) -> NoRoom:
    """The log has what the disk said."""
    logger.error("An upload cannot be stored: %s", error)
    return NoRoom(NO_ROOM)


class WholeFiles(FileSystemStorage):
    """A file that cannot be written to its end is not left behind.

    Every file is stored under a random name, so the name that is free now is free later.
    """

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        chosen = self.get_available_name(name or content.name, max_length)
        try:
            return super().save(chosen, content, max_length)
        except OSError:
            Path(self.path(chosen)).unlink(missing_ok=True)
            raise


class TemporaryFiles(TemporaryFileUploadHandler):
    """Large uploads lie in the system's folder for temporary files while they come in."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().new_file(*args, **kwargs)
        except OSError as error:
            raise told(error) from error

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        try:
            super().receive_data_chunk(raw_data, start)
        except OSError as error:
            self.file.close()
            raise told(error) from error


def refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page of a request that is refused (Django's `handler400`)."""
    if not isinstance(exception, NoRoom):
        return bad_request(request, exception)
    return render(request, "507.html", {"advice": str(exception)}, status=507)
