from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from integrations.choices import LogStatus, MdnState, Protocol, TransmissionStatus


class Transmission(models.Model):
    """One transfer over the wire. Its status moves by conditional updates only."""

    key = models.UUIDField("UUID", unique=True, default=uuid.uuid4, editable=False)
    integration = models.ForeignKey(
        "integrations.Integration", models.PROTECT, related_name="transmissions"
    )
    is_incoming = models.BooleanField("from the partner")
    protocol = models.CharField(max_length=4, choices=Protocol.choices)
    folder = models.CharField(max_length=10, blank=True)
    filename = models.CharField(max_length=255)
    content_type = models.CharField(max_length=100, blank=True)
    blob = models.ForeignKey("integrations.Blob", models.PROTECT, related_name="+")
    # AS2: the message as it goes over the wire, the same at every attempt.
    wire = models.ForeignKey(
        "integrations.Blob", models.PROTECT, null=True, blank=True, related_name="+"
    )
    peer_ip = models.GenericIPAddressField("IP address", null=True, blank=True)
    peer = models.CharField(max_length=270, blank=True)  # the login, or the pair of AS2 ids
    message_id = models.CharField("message ID", max_length=255, blank=True)
    mic = models.CharField("MIC", max_length=120, blank=True)  # "digest, algorithm"
    security = models.CharField(max_length=120, blank=True)  # "signed sha256, encrypted aes256"
    mdn_state = models.CharField(
        "receipt", max_length=10, choices=MdnState.choices, default=MdnState.NONE
    )
    mdn = models.ForeignKey(
        "integrations.Blob", models.PROTECT, null=True, blank=True, related_name="+"
    )
    mdn_headers = models.JSONField(default=dict, blank=True)
    mdn_url = models.CharField(max_length=1000, blank=True)  # an asynchronous receipt goes there
    mdn_due_at = models.DateTimeField(null=True, blank=True)
    disposition = models.CharField(max_length=255, blank=True)
    headers = models.JSONField(default=dict, blank=True)
    attributes = models.JSONField(default=dict, blank=True)  # what rules may match
    status = models.CharField(max_length=10, choices=TransmissionStatus.choices)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.CharField(max_length=100, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    error_code = models.CharField(max_length=40, blank=True)
    error_text = models.CharField(max_length=500, blank=True)
    # Of one to the partner: what it carries. Of one that came again: what it repeats.
    delivery = models.ForeignKey(
        "integrations.EnvelopeDelivery",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="transmissions",
    )
    repeats = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="repeated_by"
    )
    created_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        default_permissions = ("view", "change")
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "message_id", "is_incoming"],
                condition=~Q(message_id="")
                & Q(status__in=["received", "working", "waiting", "queued", "sent", "done"]),
                name="transmitted_once",
            )
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(status__in=["received", "working", "queued", "sent"]),
                name="transmission_to_look_at",
            ),
            models.Index(fields=["integration", "-id"], name="transmission_by_integration"),
            models.Index(fields=["message_id"], name="transmission_by_message_id"),
        ]

    def __str__(self) -> str:
        return self.filename

    def get_absolute_url(self) -> str:
        return reverse("admin:integrations_transmission_change", args=[self.pk])


class ConversionLog(models.Model):
    """What became of one document; rows are only ever added."""

    transmission = models.ForeignKey(
        Transmission, models.SET_NULL, null=True, blank=True, related_name="logs"
    )
    delivery = models.ForeignKey(
        "integrations.EnvelopeDelivery",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="logs",
    )
    mailbox = models.ForeignKey("integrations.Mailbox", models.PROTECT, related_name="logs")
    rule = models.ForeignKey(
        "integrations.ConversionRule",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="logs",
    )
    rule_name = models.CharField(max_length=120, blank=True)
    envelope = models.ForeignKey(
        "integrations.Envelope", models.SET_NULL, null=True, blank=True, related_name="logs"
    )
    filename = models.CharField(max_length=255)
    status = models.CharField(max_length=12, choices=LogStatus.choices)
    error_code = models.CharField(max_length=40, blank=True)
    error_text = models.CharField(max_length=1000, blank=True)
    line = models.PositiveIntegerField(null=True, blank=True)
    column = models.PositiveIntegerField(null=True, blank=True)
    input = models.ForeignKey(
        "integrations.Blob", models.PROTECT, null=True, blank=True, related_name="+"
    )
    output = models.ForeignKey(
        "integrations.Blob", models.PROTECT, null=True, blank=True, related_name="+"
    )
    output_name = models.CharField(max_length=255, blank=True)
    milliseconds = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ["-pk"]
        default_permissions = ("view",)
        verbose_name_plural = "conversion log"
        indexes = [
            models.Index(fields=["rule", "-id"], name="log_by_rule"),
            models.Index(fields=["mailbox", "-id"], name="log_by_mailbox"),
        ]

    def __str__(self) -> str:
        return f"{self.filename}: {self.get_status_display()}"
