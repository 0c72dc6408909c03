from __future__ import annotations

from django.conf import settings
from django.db import models


class RememberedBrowser(models.Model):
    """A browser that is not asked for the second factor until it expires.

    Its cookie holds a random token, of which only the digest is here.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="remembered_browsers"
    )
    device_id = models.CharField(max_length=100)  # `persistent_id` of the device used then
    digest = models.CharField(max_length=64, unique=True)
    password_mark = models.CharField(max_length=64)  # changes with the password
    user_agent = models.CharField(max_length=255, blank=True)
    ip = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()
        ordering = ["-last_used_at", "-pk"]

    def __str__(self) -> str:
        return f"remembered since {self.created_at:%Y-%m-%d}"
