from __future__ import annotations

import datetime
import uuid
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from otp.choices import ChallengeStatus, CodeKind, OtpChannel


class OtpChallengeQuerySet(models.QuerySet["OtpChallenge"]):
    def live(self, at: datetime.datetime) -> OtpChallengeQuerySet:
        """Those whose code may still be checked."""
        return self.filter(
            status=ChallengeStatus.PENDING, expires_at__gt=at, tries_used__lt=F("tries_max")
        )


class OtpChallenge(models.Model):
    """One channel's request for a code. Of the code itself there is only a keyed hash."""

    request_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    group = models.UUIDField(
        default=uuid.uuid4,
        editable=False,
        help_text="The same for those of one send, and those that fell back from them.",
    )
    configuration = models.ForeignKey(
        "otp.OtpConfiguration", models.SET_NULL, null=True, blank=True, related_name="challenges"
    )
    purpose = models.CharField(max_length=40)
    channel = models.CharField(max_length=5, choices=OtpChannel.choices)
    destination = models.CharField(max_length=320)  # E.164, or an address in lower case
    prefix = models.CharField(
        max_length=255, help_text="The number without its last four digits, or the mail domain."
    )
    country = models.CharField(max_length=3, blank=True, help_text="Of the number: ISO 3166.")
    caller = models.CharField(max_length=60, blank=True)
    digest = models.CharField(max_length=64, editable=False)
    key_id = models.CharField(max_length=16, editable=False)
    kind = models.CharField(max_length=12, choices=CodeKind.choices, default=CodeKind.NUMERIC)
    length = models.PositiveSmallIntegerField(default=6)
    is_shared = models.BooleanField(
        "same code", default=False, help_text="The other channel of its send has the same code."
    )
    tries_max = models.PositiveSmallIntegerField(default=5)
    tries_used = models.PositiveSmallIntegerField(default=0)
    sends = models.PositiveSmallIntegerField(
        default=1, help_text="In a row, this one included: each doubles the wait for the next."
    )
    status = models.CharField(
        max_length=10, choices=ChallengeStatus.choices, default=ChallengeStatus.PENDING
    )
    created_at = models.DateTimeField("created", default=timezone.now)
    sent_at = models.DateTimeField("last sent", default=timezone.now)
    expires_at = models.DateTimeField("expires")
    resend_at = models.DateTimeField(help_text="From then on a new code may be asked for.")
    used_at = models.DateTimeField("used", null=True, blank=True)
    message = models.ForeignKey(
        "omnichannel.Message", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    template_version = models.ForeignKey(
        "omnichannel.TemplateVersion", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    provider = models.ForeignKey(
        "omnichannel.ChannelProvider", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    client_ip = models.GenericIPAddressField("IP address", null=True, blank=True)
    user_agent = models.CharField(max_length=255, blank=True)
    is_test = models.BooleanField("test", default=False)
    fallback_of = models.OneToOneField(
        "self", models.SET_NULL, null=True, blank=True, related_name="fallback"
    )
    fallback_to = models.CharField(
        max_length=320, blank=True, help_text="The address on the other channel, not yet used."
    )
    fallback_at = models.DateTimeField(
        null=True, blank=True, help_text="When the other channel takes its turn."
    )
    context: Any = models.JSONField(
        default=dict,
        blank=True,
        encoder=DjangoJSONEncoder,
        help_text="What a further send needs: variables, language, overrides. Never the code.",
    )

    objects = OtpChallengeQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        default_permissions = ("view",)
        verbose_name = "OTP request"
        constraints = [
            models.UniqueConstraint(
                fields=["caller", "purpose", "destination", "is_test"],
                condition=Q(status=ChallengeStatus.PENDING),
                name="otp_one_live_code",
            ),
            models.CheckConstraint(
                condition=Q(tries_used__lte=F("tries_max")), name="otp_tries_hold"
            ),
            models.CheckConstraint(condition=~Q(destination=""), name="otp_has_destination"),
            models.CheckConstraint(
                condition=~Q(status=ChallengeStatus.APPROVED) | Q(used_at__isnull=False),
                name="otp_approved_is_used",
            ),
        ]
        indexes = [
            models.Index(fields=["destination", "-id"], name="otp_by_destination"),
            models.Index(fields=["fallback_to"], name="otp_by_fallback"),
            models.Index(fields=["group"], name="otp_by_group"),
            models.Index(
                fields=["fallback_at"],
                condition=Q(status=ChallengeStatus.PENDING, fallback_at__isnull=False),
                name="otp_fallback_due",
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(status=ChallengeStatus.PENDING),
                name="otp_pending_by_end",
            ),
            models.Index(fields=["created_at"], name="otp_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} {self.request_id.hex[:8]}"

    @property
    def tries_left(self) -> int:
        return max(0, self.tries_max - self.tries_used)
