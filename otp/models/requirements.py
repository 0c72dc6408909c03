from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class Requirement(models.Model):
    """This user, or everybody in this group, must sign in with a second factor."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="two_factor_requirement"
    )
    group = models.OneToOneField(
        "auth.Group", models.CASCADE, null=True, related_name="two_factor_requirement"
    )

    class Meta:
        default_permissions = ("change",)
        verbose_name = "two-factor requirement"
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, group__isnull=True)
                | Q(user__isnull=True, group__isnull=False),
                name="requirement_of_user_or_group",
            )
        ]
        permissions = [
            ("remove_devices", "Can remove the two-factor devices of other users"),
        ]

    def __str__(self) -> str:
        return f"required of {self.user or self.group}"
