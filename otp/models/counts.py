from __future__ import annotations

from django.db import models
from django.utils import timezone


class OtpCount(models.Model):
    """How often something happened within the last hour or day, for one limit.

    `key` is a keyed hash of what is counted: it names nobody. `slices` maps the number of a slice
    of time to how often within it.
    """

    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=64)
    slices = models.JSONField(default=dict)
    touched_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        verbose_name = "OTP count"
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="otp_count_once")]
        indexes = [models.Index(fields=["touched_at"], name="otp_count_by_age")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key[:8]}"
