from __future__ import annotations

import re

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from omnichannel.choices import Category, ChannelType

KEY = r"^[a-z][a-z0-9]*([-_][a-z0-9]+)*\Z"


def is_key(text: str) -> bool:
    return re.match(KEY, text) is not None


class Event(models.Model):
    """Something that happens in a business, such as "order placed". Other systems trigger it.

    What people do with a message (open, click) is a `MessageEvent`.
    """

    key = models.CharField(
        max_length=60,
        unique=True,
        validators=[
            RegexValidator(KEY, "Use small letters, digits, - and _, starting with a letter.")
        ],
        help_text="What other systems call it, such as order-placed. It cannot be changed later.",
    )
    name = models.CharField(max_length=120)
    group = models.CharField(
        max_length=60, default="General", help_text="The tab it stands in, such as Orders."
    )
    sub_group = models.CharField(
        "sub-group", max_length=60, blank=True, help_text="The section within the tab."
    )
    description = models.TextField(blank=True, help_text="When other systems trigger it.")
    category = models.CharField(
        max_length=15, choices=Category.choices, default=Category.TRANSACTIONAL
    )
    variables_schema = models.JSONField(
        "variables",
        default=dict,
        blank=True,
        help_text="A JSON Schema of the values that come with the event. "
        "In templates they are event.NAME.",
    )
    sample_data = models.JSONField(
        "sample data",
        default=dict,
        blank=True,
        help_text="Values for previews and test events. They must fit the variables.",
    )
    is_active = models.BooleanField(
        "active", default=True, help_text="Off: triggering it sends nothing."
    )
    is_shipped = models.BooleanField("shipped", default=False, editable=False)
    created_at = models.DateTimeField("created", auto_now_add=True)
    updated_at = models.DateTimeField("changed", auto_now=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("group", "sub_group", "name")
        permissions = [("trigger_event", "Can trigger events")]

    def __str__(self) -> str:
        return self.name


class EventSubscription(models.Model):
    """Whether an event sends a message on one channel, and which."""

    event = models.ForeignKey(Event, models.CASCADE, related_name="subscriptions")
    channel_type = models.CharField("channel", max_length=10, choices=ChannelType.choices)
    is_subscribed = models.BooleanField("subscribed", default=True)
    template = models.ForeignKey(
        "omnichannel.MessageTemplate",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="subscriptions",
    )
    provider = models.ForeignKey(
        "omnichannel.ChannelProvider",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="subscriptions",
        help_text="Empty: the default provider of the event's category.",
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ("event", "channel_type")
        verbose_name = "event subscription"
        constraints = [
            models.UniqueConstraint(
                fields=["event", "channel_type"],
                name="subscription_once_per_channel",
                violation_error_message="The event has a subscription on this channel already.",
            ),
            models.CheckConstraint(
                condition=Q(is_subscribed=False) | Q(template__isnull=False),
                name="subscription_has_template",
                violation_error_message="Choose a template, or do not subscribe.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event}, {self.get_channel_type_display()}"


class EventChannelSwitch(models.Model):
    """Turns the messages of all events on one channel off, one-time passwords excepted.

    A channel without a row is on.
    """

    channel_type = models.CharField(
        "channel", max_length=10, choices=ChannelType.choices, unique=True
    )
    is_on = models.BooleanField("on", default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("channel_type",)
        verbose_name = "event channel switch"
        verbose_name_plural = "event channel switches"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.get_channel_type_display()}: {'on' if self.is_on else 'off'}"


class EventTrigger(models.Model):
    """One time that an event was triggered, and what came of it. Nothing personal is kept here."""

    event = models.ForeignKey(
        Event, models.SET_NULL, null=True, related_name="triggers", db_index=False
    )
    event_key = models.CharField("event", max_length=60)
    source = models.CharField(max_length=20, help_text="Who triggered it: api, admin, an app.")
    reference = models.CharField(
        max_length=80, blank=True, help_text="The source's own word for it."
    )
    dedupe = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="A keyed hash of event, recipient and deduplication key.",
    )
    messages = models.JSONField(default=list, help_text="The ids of its messages.")
    skipped = models.JSONField(default=list, help_text="The channels without one, and why.")
    at = models.DateTimeField("triggered")

    class Meta:
        ordering = ("-id",)
        verbose_name = "event trigger"
        verbose_name_plural = "triggered events"
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["dedupe"], condition=~Q(dedupe=""), name="trigger_once_per_dedupe"
            )
        ]
        indexes = [
            models.Index(fields=["event", "-id"], name="trigger_of_event"),
            models.Index(fields=["at"], name="trigger_at"),
        ]

    def __str__(self) -> str:
        return f"{self.event_key}, {self.at:%Y-%m-%d %H:%M:%S}"
