from __future__ import annotations

from django.db import models
from django.db.models import Q

from omnichannel.choices import Category, ChannelType, SuppressionReason


class Suppression(models.Model):
    """An address that must not be written to, on one channel, for one category or for all."""

    channel_type = models.CharField("channel", max_length=10, choices=ChannelType.choices)
    address = models.CharField(max_length=320)
    category = models.CharField(
        max_length=15,
        choices=Category.choices,
        blank=True,
        help_text="Empty: every category.",
    )
    reason = models.CharField(
        max_length=12, choices=SuppressionReason.choices, default=SuppressionReason.MANUAL
    )
    note = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField("since", auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["channel_type", "address", "category"], name="suppression_once"
            ),
            models.CheckConstraint(condition=~Q(address=""), name="suppression_has_address"),
        ]

    def __str__(self) -> str:
        return self.address
