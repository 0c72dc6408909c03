"""The attachments of a submission: stored once, with a name of its own for each message."""

from __future__ import annotations

import base64
import binascii
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.template.defaultfilters import filesizeformat

from omnichannel import room
from omnichannel.choices import ChannelType
from omnichannel.enclosures import CONTENT_TYPE, content_type_of
from omnichannel.models import MessageAttachment, TemplateVersion
from omnichannel.models.messages import attachment_path
from omnichannel.submissions.asked import MOST_FILES, File
from omnichannel.submissions.faults import Faults

MOST_BYTES = 10 * 1024 * 1024  # of all files together
LONGEST_NAME = 150
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Decoded:
    name: str
    content: bytes
    content_type: str


def decoded(files: Sequence[File], channel_type: str, faults: Faults) -> list[Decoded]:
    """What came as Base64; each fault names its file."""
    if not files:
        return []
    if channel_type not in ("", ChannelType.EMAIL):
        faults.add("attachments", "Only e-mails carry attachments.")
        return []
    if len(files) > MOST_FILES:
        faults.add("attachments", f"At most {MOST_FILES} files.")
        return []
    found = [_decoded(number, file, faults) for number, file in enumerate(files)]
    size = sum(len(file.content) for file in found)
    limit = min(MOST_BYTES, settings.ATTACHMENT_MAX_BYTES)
    if size > limit:
        faults.add(
            "attachments",
            f"They are {filesizeformat(size)} together; at most {filesizeformat(limit)} can be "
            "sent. Send a link instead.",
        )
    return found


def check_sum(files: Sequence[Decoded], version: TemplateVersion | None, faults: Faults) -> None:
    """With those that the template adds it must still be possible to send them."""
    added = sum(entry["size"] for entry in version.files) if version else 0
    limit = settings.ATTACHMENT_MAX_BYTES
    if files and added and added + sum(len(file.content) for file in files) > limit:
        faults.add(
            "attachments",
            f"With those of the template they are more than {filesizeformat(limit)} together. "
            "Send a link instead.",
        )


def _decoded(number: int, file: File, faults: Faults) -> Decoded:
    name = PurePath(file.name.replace("\\", "/")).name
    if not name or len(name) > LONGEST_NAME or CONTROL.search(name):
        text = f"Give a file name of up to {LONGEST_NAME} characters, without line breaks."
        faults.add(f"attachments.{number}.name", text)
    if file.content_type and not CONTENT_TYPE.fullmatch(file.content_type):
        text = "Give a type such as application/pdf, or leave it out."
        faults.add(f"attachments.{number}.content_type", text)
    try:
        content = base64.b64decode(file.content, validate=True)
    except (binascii.Error, ValueError):
        faults.add(f"attachments.{number}.content", "This is not Base64.")
        content = b""
    return Decoded(name, content, content_type_of(name, file.content_type))


class Stored:
    """Files on the disk before their rows are committed; deleted again when they are not."""

    def __init__(self, files: Sequence[Decoded], copies: int) -> None:
        self.paths: list[str] = []
        self.rows: list[list[MessageAttachment]] = [[] for _ in range(copies)]
        room.need(sum(len(file.content) for file in files))
        try:
            for file in files:
                self._store(file, copies)
        except BaseException:
            self.discard()
            raise

    def _store(self, file: Decoded, copies: int) -> None:
        row = MessageAttachment(
            name=file.name, content_type=file.content_type, size=len(file.content)
        )
        first = default_storage.save(attachment_path(row, file.name), ContentFile(file.content))
        self.paths.append(first)
        for number in range(copies):
            path = first if number == 0 else self._again(first)
            self.rows[number].append(
                MessageAttachment(
                    name=row.name, content_type=row.content_type, size=row.size, file=path
                )
            )

    def _again(self, first: str) -> str:
        """A second name of the same file: deleting the one leaves the other."""
        path = attachment_path(MessageAttachment(), "")
        source, target = default_storage.path(first), default_storage.path(path)
        try:
            os.link(source, target)
        except OSError:  # a file system without links
            shutil.copyfile(source, target)
        self.paths.append(path)
        return path

    def write(self, ids: Sequence[int]) -> None:
        """Their rows, for the messages in the order of their recipients."""
        for pk, mine in zip(ids, self.rows, strict=True):
            for row in mine:
                row.message_id = pk
        MessageAttachment.objects.bulk_create([row for mine in self.rows for row in mine])

    def discard(self) -> None:
        for path in self.paths:
            Path(default_storage.path(path)).unlink(missing_ok=True)
