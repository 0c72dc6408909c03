from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from simple_history.models import HistoricalRecords

from integrations.choices import DefaultRule, Protocol


class Integration(models.Model):
    """How a mailbox is connected to its owner's own machine."""

    mailbox = models.OneToOneField(
        "integrations.Mailbox", models.CASCADE, related_name="integration"
    )
    active = models.BooleanField(
        "integrations enabled",
        default=False,
        help_text="Off: no connection of the partner is accepted and nothing is sent.",
    )
    protocol = models.CharField(max_length=4, choices=Protocol.choices, default=Protocol.SFTP)
    notify_email = models.EmailField(
        "notification e-mail", blank=True, help_text="Gets every notice about this integration."
    )
    default_rule = models.CharField(
        max_length=10, choices=DefaultRule.choices, default=DefaultRule.COPY
    )
    reject_reason = models.CharField("reason", max_length=500, blank=True)
    # Servers that hold connections compare it: whatever is saved here ends what was before.
    generation = models.PositiveBigIntegerField(default=1, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    history = HistoricalRecords(excluded_fields=["generation"])

    class Meta:
        ordering = ["mailbox__name"]
        permissions = [
            ("manage_connection", "Can switch integrations and reset their passwords"),
            ("execute_rule", "Can run conversion rules against examples"),
            ("download_document", "Can download documents of partners"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(default_rule=DefaultRule.REJECT) | ~Q(reject_reason=""),
                name="integration_rejects_with_a_reason",
                violation_error_message="Say why the envelopes are rejected.",
            ),
            models.CheckConstraint(
                condition=~Q(default_rule=DefaultRule.NOTIFY) | ~Q(notify_email=""),
                name="integration_notifies_somebody",
                violation_error_message="Give the notification e-mail.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.mailbox} ({self.get_protocol_display()})"

    def get_absolute_url(self) -> str:
        return reverse("admin:integrations_integration_change", args=[self.pk])

    def renew(self) -> None:
        """End live connections: servers see the new generation within two seconds."""
        type(self).objects.filter(pk=self.pk).update(generation=F("generation") + 1)
