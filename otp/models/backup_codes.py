from __future__ import annotations

from django.db import models
from django_otp.models import Device


class BackupCodes(Device):
    """A user's sheet of codes, each for one sign-in."""

    kind = "backup"
    icon = "password"

    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        verbose_name = verbose_name_plural = "backup codes"
        constraints = [models.UniqueConstraint(fields=["user"], name="one_sheet_of_backup_codes")]

    def __str__(self) -> str:
        return "Backup code"

    def left(self) -> int:
        return self.codes.filter(used_at=None).count()


class BackupCode(models.Model):
    sheet = models.ForeignKey(BackupCodes, models.CASCADE, related_name="codes")
    digest = models.CharField(max_length=64)  # keyed: see otp.two_factor.backup_codes
    used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["sheet", "digest"], name="backup_code_once")]

    def __str__(self) -> str:
        return "used" if self.used_at else "unused"
