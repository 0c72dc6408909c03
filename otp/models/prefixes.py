from __future__ import annotations

import datetime

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from otp.choices import BlockReason


class BlockedPrefixQuerySet(models.QuerySet["BlockedPrefix"]):
    def in_force(self, at: datetime.datetime) -> BlockedPrefixQuerySet:
        return self.filter(Q(until=None) | Q(until__gt=at), lifted_at=None)


class BlockedPrefix(models.Model):
    """Numbers that begin so, or addresses of this mail domain, get no code.

    A block that was lifted or is over stays, to be seen.
    """

    prefix = models.CharField(
        max_length=255,
        validators=[
            RegexValidator(
                r"^(\+[1-9][0-9]{0,14}|(?:[a-z0-9-]+\.)+[a-z0-9-]+)$",
                "Write the first digits of a number with +, such as +4477, or a mail domain.",
            )
        ],
        help_text="The first digits of a number with +, such as +4477, or a mail domain.",
    )
    reason = models.CharField(
        max_length=10, choices=BlockReason.choices, default=BlockReason.OPERATOR
    )
    note = models.CharField(max_length=255, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField("since", default=timezone.now)
    until = models.DateTimeField(null=True, blank=True, help_text="UTC. Empty: until it is lifted.")
    lifted_at = models.DateTimeField("lifted", null=True, blank=True)

    objects = BlockedPrefixQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name = "blocked prefix"
        verbose_name_plural = "blocked prefixes"
        constraints = [
            models.UniqueConstraint(
                fields=["prefix"],
                condition=Q(lifted_at__isnull=True),
                name="otp_prefix_blocked_once",
                violation_error_message="This prefix is blocked already.",
            ),
            models.CheckConstraint(condition=~Q(prefix=""), name="otp_block_has_prefix"),
        ]

    def __str__(self) -> str:
        return self.prefix
