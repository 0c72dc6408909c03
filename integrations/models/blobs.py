from __future__ import annotations

import uuid
from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils import timezone


def folder() -> Path:
    """Where the bytes of documents are. The name of a file there never comes from outside."""
    return Path(settings.MEDIA_ROOT) / "integrations"


class Blob(models.Model):
    """Bytes that never change. The row stays when retention takes the bytes."""

    key = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    purged_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.size} bytes"

    @property
    def path(self) -> Path:
        name = self.key.hex
        return folder() / name[:2] / name
