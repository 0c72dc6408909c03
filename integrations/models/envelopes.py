from __future__ import annotations

import uuid

from django.db import models
from django.urls import reverse
from django.utils import timezone

from integrations.choices import DeliveryStatus, EnvelopeStatus


class Envelope(models.Model):
    """Documents and their fields, on the way from one mailbox to others."""

    key = models.UUIDField("UUID", unique=True, default=uuid.uuid4, editable=False)
    chain = models.UUIDField(default=uuid.uuid4, editable=False, db_index=True)
    sender = models.ForeignKey("integrations.Mailbox", models.PROTECT, related_name="sent")
    subject = models.CharField(max_length=255, blank=True)
    message = models.TextField(blank=True)
    template_version = models.ForeignKey(
        "integrations.DocumentTemplateVersion",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="envelopes",
        verbose_name="template",
    )
    fields = models.JSONField(default=dict, blank=True)
    tables = models.JSONField(default=dict, blank=True)  # {table: [{column: value}]}
    status = models.CharField(
        max_length=10, choices=EnvelopeStatus.choices, default=EnvelopeStatus.SENT
    )
    reject_reason = models.CharField("reason", max_length=500, blank=True)
    native = models.ForeignKey(
        "integrations.Blob", models.PROTECT, null=True, blank=True, related_name="+"
    )
    # What it was made of: the same file and number makes it only once.
    source = models.ForeignKey(
        "integrations.Transmission",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="envelopes",
    )
    source_number = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        ordering = ["-pk"]
        default_permissions = ("add", "view", "change")
        constraints = [
            models.UniqueConstraint(fields=["source", "source_number"], name="envelope_made_once")
        ]
        indexes = [models.Index(fields=["sender", "-id"], name="envelope_by_sender")]

    def __str__(self) -> str:
        return self.subject or f"Envelope {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("admin:integrations_envelope_change", args=[self.pk])


class EnvelopeDocument(models.Model):
    envelope = models.ForeignKey(Envelope, models.CASCADE, related_name="documents")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=255)
    media_type = models.CharField(max_length=100)
    blob = models.ForeignKey("integrations.Blob", models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        ordering = ["number"]

    def __str__(self) -> str:
        return self.name


class EnvelopeDelivery(models.Model):
    """An envelope at one of its recipients. Its status moves by conditional updates only."""

    envelope = models.ForeignKey(Envelope, models.CASCADE, related_name="deliveries")
    mailbox = models.ForeignKey("integrations.Mailbox", models.PROTECT, related_name="received")
    status = models.CharField(
        max_length=10, choices=DeliveryStatus.choices, default=DeliveryStatus.RECEIVED
    )
    error_code = models.CharField(max_length=40, blank=True)
    error_text = models.CharField(max_length=500, blank=True)
    received_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.CharField(max_length=100, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["-pk"]
        default_permissions = ("view", "change")
        verbose_name_plural = "envelope deliveries"
        constraints = [
            models.UniqueConstraint(fields=["envelope", "mailbox"], name="delivered_once")
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=models.Q(status__in=["received", "working"]),
                name="delivery_to_look_at",
            ),
            models.Index(fields=["mailbox", "-id"], name="delivery_by_mailbox"),
        ]

    def __str__(self) -> str:
        return f"{self.envelope} to {self.mailbox}"
