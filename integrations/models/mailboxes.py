from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.urls import reverse
from simple_history.models import HistoricalRecords

from integrations.choices import AliasScheme


class Account(models.Model):
    """An organisation with mailboxes of its own, and what is the same for all of them."""

    key = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120, unique=True)
    default_mailbox = models.ForeignKey(
        "integrations.Mailbox",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="house mailbox",
        help_text="Your own company's: it gets what partners send and nobody else is named for.",
    )
    is_active = models.BooleanField("active", default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Mailbox(models.Model):
    """A party that envelopes are sent from and to."""

    key = models.UUIDField("UUID", unique=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="mailboxes")
    name = models.CharField(max_length=120)
    is_active = models.BooleanField("active", default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "mailboxes"
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="mailbox_name_once")
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("admin:integrations_mailbox_change", args=[self.pk])


class MailboxAlias(models.Model):
    """Another name by which documents call a mailbox."""

    mailbox = models.ForeignKey(Mailbox, models.CASCADE, related_name="aliases")
    scheme = models.CharField(max_length=10, choices=AliasScheme.choices)
    value = models.CharField(max_length=120)

    class Meta:
        default_permissions = ()
        ordering = ["scheme", "value"]
        verbose_name = "alias"
        verbose_name_plural = "aliases"
        constraints = [
            models.UniqueConstraint(fields=["scheme", "value"], name="alias_names_one_mailbox"),
            models.CheckConstraint(condition=~Q(value=""), name="alias_has_a_value"),
        ]

    def __str__(self) -> str:
        return f"{self.get_scheme_display()} {self.value}"
