from __future__ import annotations

from django.conf import settings
from django.db import models


class GuessCount(models.Model):
    """Second factors that a user got wrong in a row, over all sessions and devices."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="guess_count", primary_key=True
    )
    wrong = models.PositiveIntegerField(default=0)
    locked_until = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.wrong} wrong"
