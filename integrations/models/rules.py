from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.urls import reverse
from simple_history.models import HistoricalRecords

from integrations.choices import (
    Direction,
    Engine,
    MatchingSource,
    OutputFormat,
    RuleTarget,
    ValidationKind,
)


class ConversionRule(models.Model):
    """Turns a partner's file into an envelope (OUT), or an envelope into a file (IN).

    Tried by position, those of the mailbox before those of the account; the first that matches
    is applied, and none after it even if it fails.
    """

    key = models.UUIDField("UUID", unique=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey("integrations.Account", models.CASCADE, related_name="rules")
    mailbox = models.ForeignKey(
        "integrations.Mailbox",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="rules",
        help_text="Blank: an account rule, which serves all mailboxes of the account.",
    )
    direction = models.CharField(max_length=3, choices=Direction.choices)
    name = models.CharField(max_length=120)
    active = models.BooleanField("on", default=False)
    position = models.PositiveIntegerField(default=0, editable=False)
    template_version = models.ForeignKey(
        "integrations.DocumentTemplateVersion",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="rules",
        verbose_name="template",
    )
    matching_pattern = models.CharField(max_length=500, blank=True)
    matching_source = models.CharField(
        max_length=10, choices=MatchingSource.choices, default=MatchingSource.NAME
    )
    document_type = models.CharField(
        max_length=60, blank=True, help_text="Such as ORDERS, 850, or the root element. Blank: any."
    )
    sender = models.CharField(max_length=120, blank=True)
    receiver = models.CharField(max_length=120, blank=True)
    engine = models.CharField(max_length=12, choices=Engine.choices, default=Engine.FIELD_MAP)
    body = models.TextField("conversion rule", blank=True)
    output = models.CharField(
        "output format", max_length=8, choices=OutputFormat.choices, default=OutputFormat.XML
    )
    naming_pattern = models.CharField(max_length=300, blank=True)
    multiple_envelopes = models.BooleanField("can produce multiple envelopes", default=False)
    attributes = models.JSONField(default=dict, blank=True)
    target = models.CharField(
        max_length=16, choices=RuleTarget.choices, default=RuleTarget.ENVELOPE
    )
    # Of the targets: {"event": key}, {"audience": name, "campaign": id of a draft}.
    target_options = models.JSONField(default=dict, blank=True)
    send_zip = models.BooleanField("send a .zip archive on completion", default=False)
    zip_exclude = models.CharField("left out of the archive", max_length=200, blank=True)
    example = models.ForeignKey(
        "integrations.Blob", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    example_name = models.CharField(max_length=255, blank=True)
    verified_digest = models.CharField(max_length=64, blank=True, editable=False)
    ok_count = models.PositiveBigIntegerField("done", default=0, editable=False)
    failed_count = models.PositiveBigIntegerField("failed", default=0, editable=False)
    history = HistoricalRecords(excluded_fields=["ok_count", "failed_count", "position"])

    class Meta:
        ordering = ["direction", "position", "pk"]
        indexes = [
            models.Index(fields=["account", "direction", "active"], name="rule_by_direction")
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(active=False) | ~Q(verified_digest=""),
                name="rule_was_run_before_it_is_on",
                violation_error_message="Run the rule against an example first.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("admin:integrations_conversionrule_change", args=[self.pk])

    @property
    def level(self) -> str:
        return "Mailbox" if self.mailbox_id else "Account"


class ValidationFile(models.Model):
    """A schema that a document must fit, or its rule refuses it."""

    rule = models.ForeignKey(ConversionRule, models.CASCADE, related_name="validation_files")
    kind = models.CharField(max_length=3, choices=ValidationKind.choices)
    filename = models.CharField(max_length=120)
    content = models.TextField()

    class Meta:
        default_permissions = ()
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "filename"], name="validation_file_name_once")
        ]

    def __str__(self) -> str:
        return self.filename
