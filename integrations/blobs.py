"""The bytes of documents: written durably before any row speaks of them, and never changed.

A file without a row is what a crash left between the two; retention removes it.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from pathlib import Path
from typing import BinaryIO

from integrations.exceptions import DocumentRefused
from integrations.models import Blob
from integrations.models.blobs import folder

SCRATCH = ".scratch"


def store(data: bytes) -> Blob:
    """Safe to call inside a transaction: one that is rolled back leaves a file without a row."""
    path = scratch()
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return adopt(path, len(data), hashlib.sha256(data).hexdigest())


def scratch() -> Path:
    """A new name, on the same file system, for a file that is still being written."""
    place = folder() / SCRATCH
    place.mkdir(parents=True, exist_ok=True)
    return place / uuid.uuid4().hex


def adopt(path: Path, size: int, sha256: str) -> Blob:
    """Make a complete file, which its writer has synced, a blob. The file is moved."""
    blob = Blob(size=size, sha256=sha256)
    blob.path.parent.mkdir(parents=True, exist_ok=True)
    path.chmod(0o600)
    path.rename(blob.path)
    _sync(blob.path.parent)
    blob.save(force_insert=True)
    return blob


def read(blob: Blob) -> bytes:
    """Raises DocumentRefused when retention has taken the bytes."""
    with open_file(blob) as file:
        return file.read()


def open_file(blob: Blob) -> BinaryIO:
    """Raises DocumentRefused when retention has taken the bytes."""
    try:
        return blob.path.open("rb")
    except FileNotFoundError as error:
        raise DocumentRefused("The document was deleted, as it is old.", "purged") from error


def _sync(place: Path) -> None:
    """The name, too, survives a power cut."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
