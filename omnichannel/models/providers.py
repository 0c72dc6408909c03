from __future__ import annotations

import datetime
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from omnichannel.choices import Category, ChannelType, OnUncertain, Outcome
from omnichannel.models.fields import EncryptedJSONField, EncryptedTextField


def backend_choices() -> list[tuple[str, str]]:
    from omnichannel import backends

    return backends.choices()


def uncertain_field(category: Category) -> models.CharField[str, str]:
    """What is done with uncertain messages of one category."""
    return models.CharField(
        f"{category.label.lower()} messages" if category != Category.OTP else "one-time passwords",
        max_length=10,
        choices=[("", "As above"), *OnUncertain.choices],
        blank=True,
        default="",
    )


class ChannelProviderQuerySet(models.QuerySet["ChannelProvider"]):
    def able(self, at: datetime.datetime) -> ChannelProviderQuerySet:
        """Those that may be used at the given moment (UTC): active, not stopped, not resting."""
        return self.filter(is_active=True, stopped_at__isnull=True).filter(
            Q(resting_until__isnull=True) | Q(resting_until__lte=at)
        )


class ChannelProvider(models.Model):
    """A way to send: the data that a backend is configured with, and how the queue uses it."""

    channel_type = models.CharField(
        "Communication Channel",
        max_length=10,
        choices=ChannelType.choices,
        default=ChannelType.EMAIL,
    )
    name = models.CharField(max_length=120, unique=True)
    provider_name = models.CharField(
        "Provider Name", max_length=120, blank=True, help_text="The vendor, as people call it."
    )
    backend = models.CharField(
        "type",
        max_length=60,
        choices=backend_choices,
        help_text="The software that talks to this provider.",
    )
    service_url = models.URLField("Service URL", max_length=500, blank=True)
    app_user = models.CharField("App user", max_length=255, blank=True)
    app_password = EncryptedTextField("App password", blank=True, default="")
    app_key = EncryptedTextField("App key", blank=True, default="")
    app_config = models.JSONField("App config", blank=True, default=dict)
    app_secrets = EncryptedJSONField("App secrets", blank=True, default=dict, editable=False)

    from_address = models.CharField("From Address", max_length=320, blank=True)
    from_name = models.CharField("From Display Name", max_length=120, blank=True)

    bulk_no = models.PositiveIntegerField(
        "Bulk No",
        default=500,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
        help_text="How many messages one step of the send loop takes.",
    )
    days_before_expire = models.PositiveIntegerField(
        "Days Before Expire",
        null=True,
        blank=True,
        default=7,
        help_text="A message not sent this many days after it was queued expires. Empty: never.",
    )
    interval_min = models.TimeField(
        "Interval Min",
        null=True,
        blank=True,
        help_text="HH:MM:SS, UTC. Nothing is sent before it. Empty: all day.",
    )
    interval_max = models.TimeField(
        "Interval Max",
        null=True,
        blank=True,
        help_text="HH:MM:SS, UTC. Nothing is sent from it on. Below Interval Min: over midnight.",
    )
    retry_max_attempt = models.PositiveIntegerField(
        "Retry Max Attempt",
        default=3,
        validators=[MaxValueValidator(100)],
        help_text="How many times a message in Error is tried again: 3 means at most 4 attempts.",
    )
    pool_time_retry = models.DurationField(
        "Pool Time Retry",
        default=datetime.timedelta(minutes=5),
        help_text="HH:MM:SS. How long a message in Error waits before it is tried again.",
    )
    open_setting = models.BooleanField(
        "Open Setting", default=False, help_text="Track opened e-mails."
    )
    click_setting = models.BooleanField(
        "Click Setting", default=False, help_text="Track clicked links."
    )
    rate_limit = models.PositiveIntegerField(
        "rate limit",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Messages per second over all workers. Empty: as fast as it goes.",
    )
    on_uncertain = models.CharField(
        "when the outcome is unknown",
        max_length=10,
        choices=OnUncertain.choices,
        default=OnUncertain.HOLD,
        help_text="A message that was handed over and got no answer may or may not have arrived.",
    )
    on_uncertain_transactional = uncertain_field(Category.TRANSACTIONAL)
    on_uncertain_otp = uncertain_field(Category.OTP)
    on_uncertain_promotional = uncertain_field(Category.PROMOTIONAL)
    uncertain_alert_minutes = models.PositiveIntegerField(
        "alert after, in minutes",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(525_600)],
        help_text="A message uncertain for longer is told of on the first page and in the log. "
        "Empty: as the server is set, an hour unless changed.",
    )
    is_active = models.BooleanField("active", default=True)
    is_demo = models.BooleanField(default=False, editable=False)

    stopped_at = models.DateTimeField(null=True, blank=True, editable=False)
    resting_until = models.DateTimeField(null=True, blank=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    trouble = models.TextField(blank=True, editable=False)
    uncertain_told_to = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="What has been uncertain since before this moment has been told of in the log.",
    )

    objects = ChannelProviderQuerySet.as_manager()
    history = HistoricalRecords(
        excluded_fields=[
            "app_password",
            "app_key",
            "app_secrets",
            "stopped_at",
            "resting_until",
            "failures",
            "trouble",
            "uncertain_told_to",
        ]
    )

    class Meta:
        ordering = ("channel_type", "name")
        verbose_name = "channel provider"
        constraints = [
            models.CheckConstraint(
                condition=Q(interval_min__isnull=True)
                | Q(interval_max__isnull=True)
                | ~Q(interval_min=F("interval_max")),
                name="provider_interval_not_empty",
                violation_error_message="Interval Min and Interval Max are equal: "
                "leave both empty to send all day.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def policy_for(self, category: str) -> OnUncertain:
        """What is done with its uncertain messages of this category."""
        return OnUncertain(getattr(self, f"on_uncertain_{category}") or self.on_uncertain)

    @property
    def options(self) -> dict[str, Any]:
        """The backend's own settings, secret ones included. Never shown, never logged."""
        return {**self.app_config, **self.app_secrets}


class SenderAddress(models.Model):
    """A further address this provider may send from."""

    provider = models.ForeignKey(ChannelProvider, models.CASCADE, related_name="senders")
    address = models.CharField(max_length=320)
    name = models.CharField("display name", max_length=120, blank=True)
    is_default = models.BooleanField("default", default=False)

    class Meta:
        ordering = ("address",)
        verbose_name = "sender address"
        verbose_name_plural = "sender addresses"
        constraints = [
            models.UniqueConstraint(fields=["provider", "address"], name="sender_address_once"),
            models.UniqueConstraint(
                fields=["provider"],
                condition=Q(is_default=True),
                name="sender_one_default",
                violation_error_message="Only one sender address can be the default.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address


class ProviderStatus(models.Model):
    """What a vendor's code means. HTTP codes and event names live in this one table."""

    provider = models.ForeignKey(ChannelProvider, models.CASCADE, related_name="statuses")
    code = models.CharField(max_length=60)
    reason = models.CharField(max_length=120, blank=True)
    description = models.TextField(blank=True)
    outcome = models.CharField(
        max_length=12,
        choices=Outcome.choices,
        blank=True,
        help_text="What happens to a message that gets this code. Empty: a note only.",
    )
    documentation_link = models.URLField("documentation link", max_length=500, blank=True)
    is_classified = models.BooleanField(
        "classified",
        default=True,
        help_text="Off: the code was new and its outcome is the backend's guess.",
    )

    class Meta:
        ordering = ("provider", "code")
        verbose_name = "channel provider status"
        verbose_name_plural = "channel provider statuses"
        constraints = [
            models.UniqueConstraint(fields=["provider", "code"], name="provider_status_once")
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.reason}".strip()


class ProviderRoute(models.Model):
    """The default provider of a channel and category, where wanted of a country prefix."""

    channel_type = models.CharField("channel", max_length=10, choices=ChannelType.choices)
    category = models.CharField(max_length=15, choices=Category.choices)
    country_prefix = models.CharField(
        "country prefix",
        max_length=8,
        blank=True,
        help_text="Digits with +, such as +44. Empty: every address.",
    )
    provider = models.ForeignKey(ChannelProvider, models.CASCADE, related_name="routes")
    priority = models.PositiveIntegerField(
        default=0, help_text="The lowest number whose provider is able to send is used."
    )
    weight = models.PositiveIntegerField(
        default=100,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
        help_text="Shares messages among routes of equal priority.",
    )
    is_active = models.BooleanField("active", default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("channel_type", "category", "country_prefix", "priority")
        verbose_name = "default provider"
        constraints = [
            models.UniqueConstraint(
                fields=["channel_type", "category", "country_prefix", "provider"],
                name="route_once",
            )
        ]

    def __str__(self) -> str:
        where = f" {self.country_prefix}" if self.country_prefix else ""
        return f"{self.get_channel_type_display()} {self.get_category_display()}{where}"
