"""The files that go out with every message of a template."""

from __future__ import annotations

import datetime
import mimetypes
import re
import threading
import uuid
from collections import OrderedDict
from pathlib import PurePath
from typing import Any

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile

from omnichannel.backends.base import Attachment
from omnichannel.exceptions import InvalidMessage
from omnichannel.models import TemplateVersion

FOLDER = "template-files"
GRACE = datetime.timedelta(days=1)  # between an upload and the version that has it
CACHED_BYTES = 64 * 1024 * 1024  # of files that a process keeps at hand
CONTENT_TYPE = re.compile(r"[\w.+-]{1,50}/[\w.+-]{1,49}")
UNSAFE = re.compile(r"[\x00-\x1f\x7f\"\\/]")

# By where they are stored, which is never used for another file.
_kept: OrderedDict[tuple[str, ...], tuple[Attachment, ...]] = OrderedDict()
_lock = threading.Lock()


def described(upload: UploadedFile) -> dict[str, Any]:
    """A version's entry for an uploaded file that is not stored yet."""
    name = UNSAFE.sub("_", PurePath(upload.name or "").name)[-150:] or "attachment"
    content_type = content_type_of(name, getattr(upload, "content_type", "") or "")
    return {"file": "", "name": name, "content_type": content_type, "size": upload.size or 0}


def content_type_of(name: str, told: str) -> str:
    """As it was told, where that is one; else by the file's name."""
    if CONTENT_TYPE.fullmatch(told):
        return told
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def keep(upload: UploadedFile) -> dict[str, Any]:
    """Store an uploaded file under a name of our own; answers its entry."""
    return {
        **described(upload),
        "file": default_storage.save(f"{FOLDER}/{uuid.uuid4().hex}", upload),
    }


def opened(entry: dict[str, Any]) -> File[bytes]:
    """The stored file. Raises InvalidMessage when it is gone."""
    try:
        file = default_storage.open(entry["file"], "rb")
    except FileNotFoundError as error:
        raise InvalidMessage(f"The file of attachment “{entry['name']}” is missing.") from error
    return file


def attachments_of(version: TemplateVersion) -> tuple[Attachment, ...]:
    """What every message of the version carries: read once, not for each message.

    Raises InvalidMessage.
    """
    if not version.files:
        return ()
    places = tuple(entry["file"] for entry in version.files)
    found = _kept.get(places)
    if found is None:
        found = tuple(map(_read, version.files))
        _keep_at_hand(places, found)
    return found


def _read(entry: dict[str, Any]) -> Attachment:
    with opened(entry) as file:
        return Attachment(entry["name"], file.read(), entry["content_type"])


def _keep_at_hand(places: tuple[str, ...], found: tuple[Attachment, ...]) -> None:
    with _lock:
        _kept[places] = found
        while len(_kept) > 1 and sum(map(_size, _kept.values())) > CACHED_BYTES:
            _kept.popitem(last=False)


def remove_unused(at: datetime.datetime) -> int:
    """Delete files that no version has any more, and which are not just being uploaded."""
    try:
        _, stored = default_storage.listdir(FOLDER)
    except FileNotFoundError:
        return 0
    before = at - GRACE
    names = [f"{FOLDER}/{name}" for name in stored]
    old = [name for name in names if _is_older(name, before)]
    used = _used() if old else set()
    unused = [name for name in old if name not in used]
    for name in unused:
        default_storage.delete(name)
    return len(unused)


def _is_older(name: str, before: datetime.datetime) -> bool:
    try:
        return default_storage.get_modified_time(name) < before
    except FileNotFoundError:  # another worker was here
        return False


def _used() -> set[str]:
    lists = TemplateVersion.objects.exclude(files=[]).values_list("files", flat=True)
    return {entry["file"] for entries in lists.iterator() for entry in entries}


def _size(files: tuple[Attachment, ...]) -> int:
    return sum(len(file.content) for file in files)
