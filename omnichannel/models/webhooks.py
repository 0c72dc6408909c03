from __future__ import annotations

import secrets
import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from omnichannel.choices import EventType, Outcome, SuppressionReason
from omnichannel.models.fields import EncryptedTextField


def new_token() -> str:
    return secrets.token_urlsafe(24)


class WebhookEndpoint(models.Model):
    """Where the vendor of one provider calls us: an address with a secret in it, and its record."""

    provider = models.OneToOneField(
        "omnichannel.ChannelProvider", models.CASCADE, related_name="webhook"
    )
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    token = EncryptedTextField(default=new_token, editable=False)
    is_enabled = models.BooleanField("takes calls", default=False)
    last_call_at = models.DateTimeField("last call", null=True, blank=True, editable=False)
    last_result = models.CharField(max_length=200, blank=True, editable=False)
    accepted = models.PositiveBigIntegerField("calls accepted", default=0, editable=False)
    refused = models.PositiveBigIntegerField("calls refused", default=0, editable=False)
    events = models.PositiveBigIntegerField("events received", default=0, editable=False)

    def __str__(self) -> str:
        return f"Webhook of {self.provider}"


class ReceivedEvent(models.Model):
    """What a vendor told and what is not applied yet, or belongs to no message of ours.

    Applied events are Message Events, which keep `event_id` as well. `due_at` is when it is
    tried (again); empty: it was given up, and stays to be seen.
    """

    provider = models.ForeignKey(
        "omnichannel.ChannelProvider", models.CASCADE, related_name="+", db_index=False
    )
    event_id = models.CharField(
        max_length=120, help_text="The vendor's own id, or a digest of what the event says."
    )
    type = models.CharField("event", max_length=15, choices=EventType.choices)
    at = models.DateTimeField("event date")
    key = models.UUIDField("our key", null=True, blank=True)
    external_id = models.CharField("External Id", max_length=255, blank=True)
    address = models.CharField(max_length=320, blank=True)
    code = models.CharField(max_length=60, blank=True)
    description = models.TextField(blank=True)
    url = models.TextField("URL", blank=True)
    is_machine = models.BooleanField("by a machine", default=False)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)
    reason = models.CharField(
        max_length=12,
        choices=SuppressionReason.choices,
        blank=True,
        help_text="Why the address must not be written to, where the event's type does not say it.",
    )
    received_at = models.DateTimeField("received", default=timezone.now)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField("tried again", null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        verbose_name = "received event"
        constraints = [
            models.UniqueConstraint(fields=["provider", "event_id"], name="received_event_once"),
            models.CheckConstraint(condition=~Q(event_id=""), name="received_event_has_id"),
        ]
        indexes = [
            # In the very order they are taken: else a thousand are found by sorting all that wait.
            models.Index(
                fields=["due_at", "id"],
                condition=Q(due_at__isnull=False),
                name="received_event_due",
            ),
            models.Index(
                fields=["received_at"],
                condition=Q(due_at__isnull=True),
                name="received_event_unmatched",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display()} at {self.at:%Y-%m-%d %H:%M:%S}"
