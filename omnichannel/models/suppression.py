from __future__ import annotations

import datetime

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from omnichannel.choices import Category, ChannelType, SuppressionReason, SuppressionState


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    def in_force(self) -> SuppressionQuerySet:
        """Neither lifted nor expired, by the database's clock."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=Now()), lifted_at=None)

    def expired(self) -> SuppressionQuerySet:
        """Over by themselves, never lifted."""
        return self.filter(expires_at__lte=Now(), lifted_at=None)


class Suppression(models.Model):
    """An address that must not be written to, on one channel, for one category or for all.

    Each reason has a row of its own, so that lifting one leaves the others. A lifted row stays:
    an older word that arrives late must not bring it back.
    """

    channel_type = models.CharField("channel", max_length=10, choices=ChannelType.choices)
    address = models.CharField(max_length=320)  # lower case
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
    message_id = models.PositiveBigIntegerField(
        "message", null=True, blank=True, help_text="The message whose event was the cause."
    )
    created_at = models.DateTimeField(
        "since", default=timezone.now, help_text="The moment of the latest word, either way."
    )
    expires_at = models.DateTimeField(
        "until", null=True, blank=True, help_text="UTC. Empty: until it is lifted."
    )
    lifted_at = models.DateTimeField("lifted", null=True, blank=True)

    objects = SuppressionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        permissions = [
            ("import_suppression", "Can import suppressions"),
            ("export_suppression", "Can export suppressions"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["channel_type", "address", "category", "reason"],
                name="suppression_once_per_reason",
            ),
            models.CheckConstraint(condition=~Q(address=""), name="suppression_has_address"),
        ]

    def __str__(self) -> str:
        return self.address

    def state(self, at: datetime.datetime) -> str:
        """One of SuppressionState."""
        if self.lifted_at is not None:
            return SuppressionState.LIFTED
        is_over = self.expires_at is not None and self.expires_at <= at
        return SuppressionState.EXPIRED if is_over else SuppressionState.IN_FORCE
