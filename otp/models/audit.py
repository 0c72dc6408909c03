from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.utils import timezone

from otp.choices import EntryKind, OtpChannel


class OtpEntryQuerySet(models.QuerySet["OtpEntry"]):
    def update(self, **values: Any) -> NoReturn:
        raise TypeError("An entry of the audit trail is never changed.")


class OtpEntry(models.Model):
    """What happened, as it was then: rows are only ever added, and deleted when they are old."""

    at = models.DateTimeField("when", default=timezone.now)
    kind = models.CharField("what", max_length=10, choices=EntryKind.choices)
    outcome = models.CharField(
        max_length=20, blank=True, help_text="The verdict of a check, or why nothing was sent."
    )
    detail = models.CharField(max_length=255, blank=True)
    channel = models.CharField(max_length=5, choices=OtpChannel.choices, blank=True)
    destination = models.CharField(max_length=320, blank=True)
    prefix = models.CharField(max_length=255, blank=True)
    country = models.CharField(max_length=3, blank=True)
    purpose = models.CharField(max_length=40, blank=True)
    caller = models.CharField("who", max_length=60, blank=True)
    client_ip = models.GenericIPAddressField("IP address", null=True, blank=True)
    request_id = models.UUIDField(null=True, blank=True)
    message_id = models.PositiveBigIntegerField("message", null=True, blank=True)
    provider = models.CharField(max_length=120, blank=True)
    template = models.CharField("template version", max_length=160, blank=True)
    is_test = models.BooleanField("test", default=False)

    objects = OtpEntryQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        default_permissions = ("view",)
        permissions = [("export_otpentry", "Can export OTP entries")]
        verbose_name = "OTP entry"
        verbose_name_plural = "OTP entries"
        indexes = [
            models.Index(fields=["at"], name="otp_entry_by_time"),
            models.Index(fields=["destination", "-id"], name="otp_entry_by_destination"),
            models.Index(fields=["request_id"], name="otp_entry_by_request"),
            models.Index(fields=["prefix", "at"], name="otp_entry_by_prefix"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.outcome}".strip()
