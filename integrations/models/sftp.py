from __future__ import annotations

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from simple_history.models import HistoricalRecords

MAX_FILE_MB = 64


class SftpConnection(models.Model):
    """How a partner signs in at our SFTP server. Of the password there is only a hash."""

    integration = models.OneToOneField(
        "integrations.Integration", models.CASCADE, related_name="sftp"
    )
    login = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    password_hash = models.CharField(max_length=255, blank=True, editable=False)
    password_set_at = models.DateTimeField(null=True, blank=True, editable=False)
    authorized_keys = models.TextField(
        "public keys",
        blank=True,
        help_text="One per line, as in an authorized_keys file. Optional, beside the password.",
    )
    allowed_networks = models.TextField(
        blank=True,
        help_text="One per line, such as 203.0.113.0/24. Blank: from anywhere.",
    )
    max_file_mb = models.PositiveIntegerField(
        "largest file (MB)",
        default=MAX_FILE_MB,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_FILE_MB)],
    )
    quota_mb = models.PositiveIntegerField(
        "quota (MB)", default=1024, validators=[MinValueValidator(1)]
    )
    max_sessions = models.PositiveSmallIntegerField(
        "sessions at a time", default=5, validators=[MinValueValidator(1), MaxValueValidator(50)]
    )
    last_login_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_login_ip = models.GenericIPAddressField(null=True, blank=True, editable=False)
    history = HistoricalRecords(excluded_fields=["password_hash", "last_login_at", "last_login_ip"])

    class Meta:
        default_permissions = ()
        verbose_name = "SFTP connection"

    def __str__(self) -> str:
        return str(self.login)


class FolderFile(models.Model):
    """A file that a partner sees in one of the folders."""

    integration = models.ForeignKey(
        "integrations.Integration", models.CASCADE, related_name="files"
    )
    folder = models.CharField(max_length=10)
    name = models.CharField(max_length=255)
    blob = models.ForeignKey("integrations.Blob", models.PROTECT, related_name="+")
    # Of a file that was put here: what is being done about it. Of one to fetch: how it came here.
    transmission = models.ForeignKey(
        "integrations.Transmission", models.SET_NULL, null=True, related_name="files"
    )
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "folder", "name"], name="folder_file_name_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.folder}/{self.name}"
