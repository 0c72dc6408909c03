from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from omnichannel.choices import Category, ChannelType


class ConsentQuerySet(models.QuerySet["Consent"]):
    def newest_first(self) -> ConsentQuerySet:
        """Of two words of one moment, the one that withdraws counts."""
        return self.order_by("-at", "is_granted", "-id")


class Consent(models.Model):
    """A person's word on being written to, on one channel about one kind of thing.

    Rows are only ever added: the newest one counts, the others prove what held before it.
    """

    channel_type = models.CharField(
        "channel", max_length=10, choices=ChannelType.choices, default=ChannelType.EMAIL
    )
    address = models.CharField(max_length=320)  # lower case
    category = models.CharField(
        max_length=15, choices=Category.choices, default=Category.PROMOTIONAL
    )
    is_granted = models.BooleanField(
        "consent given", default=True, help_text="No: the person took their consent back."
    )
    source = models.CharField(
        max_length=120, blank=True, help_text="Where it was given: a form, a shop, a letter."
    )
    wording = models.TextField(
        blank=True, help_text="The text that the person was shown and agreed to."
    )
    ip = models.GenericIPAddressField("IP address", null=True, blank=True)
    at = models.DateTimeField("when", default=timezone.now, help_text="UTC.")

    objects = ConsentQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        default_permissions = ("add", "view")  # a word that was given is not changed
        permissions = [
            ("import_consent", "Can import consents"),
            ("export_consent", "Can export consents"),
        ]
        indexes = [
            models.Index(
                F("channel_type"),
                F("address"),
                F("category"),
                F("at").desc(),
                F("is_granted"),
                name="consent_latest",
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(address=""), name="consent_has_address"),
        ]

    def __str__(self) -> str:
        return self.address
