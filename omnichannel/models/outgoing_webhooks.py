"""What other systems are told: where to, what, and how far that has come."""

from __future__ import annotations

import base64
import datetime
import secrets
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from simple_history.models import HistoricalRecords

from omnichannel.choices import WebhookEvent, WebhookStatus
from omnichannel.models.fields import EncryptedTextField

ONLY = 1  # the one row of WebhookCursor
SECRET_BYTES = 32


def new_secret() -> str:
    """As Standard Webhooks has it: `whsec_` and base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def new_event_id() -> str:
    return f"msg_{secrets.token_hex(16)}"


class OutgoingWebhookQuerySet(models.QuerySet["OutgoingWebhook"]):
    def working(self) -> OutgoingWebhookQuerySet:
        """Those that are told what happens."""
        return self.filter(is_active=True, stopped_at__isnull=True)


class OutgoingWebhook(models.Model):
    """An address of another system, and what it is told of.

    `failures` counts failed calls in a row; `rests_until` is when it is called again after one.
    """

    name = models.CharField(max_length=120, unique=True)
    url = models.CharField("URL", max_length=1000, help_text="Such as https://crm.example.com/in")
    event_types = models.JSONField("events", default=list)
    categories = models.JSONField(
        default=list, blank=True, help_text="Of the messages it is told of. None: all of them."
    )
    is_active = models.BooleanField("active", default=True)
    secret = EncryptedTextField(default=new_secret, editable=False)
    old_secret = EncryptedTextField(default="", blank=True, editable=False)
    old_secret_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField("created", default=timezone.now, editable=False)

    stopped_at = models.DateTimeField("stopped", null=True, blank=True, editable=False)
    stopped_reason = models.CharField(max_length=300, blank=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    rests_until = models.DateTimeField(null=True, blank=True, editable=False)
    last_call_at = models.DateTimeField("last call", null=True, blank=True, editable=False)
    last_result = models.CharField(max_length=200, blank=True, editable=False)

    history = HistoricalRecords(
        excluded_fields=(
            *("secret", "old_secret", "old_secret_until", "failures", "failing_since"),
            *("rests_until", "last_call_at", "last_result"),
        )
    )

    objects = OutgoingWebhookQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        verbose_name = "outgoing webhook"

    def __str__(self) -> str:
        return self.name

    @property
    def is_working(self) -> bool:
        return self.is_active and self.stopped_at is None

    def secrets_at(self, at: datetime.datetime) -> list[str]:
        """What a call is signed with: the secret, and for a day after a rotation the old one.

        Raises SecretUnreadable.
        """
        is_rotating = self.old_secret_until is not None and at < self.old_secret_until
        return [self.secret, self.old_secret] if is_rotating else [self.secret]

    def wants(self, event: str, category: str = "") -> bool:
        """`category` is empty for what is no message's."""
        of_category = not category or not self.categories or category in self.categories
        return event in self.event_types and of_category


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def due(self, webhook: int, at: datetime.datetime) -> WebhookDeliveryQuerySet:
        """What is to be told to the webhook (by id) at the given moment, longest waiting first."""
        return self.filter(webhook=webhook, due_at__lte=at).order_by("due_at", "id")


class WebhookDelivery(models.Model):
    """One event for one webhook. `due_at` is when it is called (again); while a worker has it in
    hand, when that worker is taken for dead; empty when it is over.
    """

    webhook = models.ForeignKey(
        OutgoingWebhook, models.CASCADE, related_name="deliveries", db_index=False
    )
    event_id = models.CharField(max_length=40, default=new_event_id)
    type = models.CharField("event", max_length=30, choices=WebhookEvent.choices)
    body = models.TextField("payload")  # to the letter what is signed
    address = models.CharField(max_length=320, blank=True)  # in lower case
    message_id = models.PositiveBigIntegerField("message", null=True, blank=True)  # it may be gone
    status = models.CharField(
        max_length=10, choices=WebhookStatus.choices, default=WebhookStatus.WAITING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField("next try", null=True, blank=True)
    created_at = models.DateTimeField("created")
    last_attempt_at = models.DateTimeField("last try", null=True, blank=True)
    code = models.CharField(max_length=20, blank=True)  # of HTTP, or a word of ours
    answer = models.TextField(blank=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name = "webhook delivery"
        verbose_name_plural = "webhook deliveries"
        permissions = [("resend_webhookdelivery", "Can send webhook deliveries again")]
        indexes = [
            models.Index(
                fields=["webhook", "due_at"],
                condition=Q(due_at__isnull=False),
                name="webhook_delivery_due",
            ),
            models.Index(
                fields=["address"], condition=~Q(address=""), name="webhook_delivery_address"
            ),
            models.Index(fields=["created_at"], name="webhook_delivery_created"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["event_id", "webhook"], name="webhook_delivery_once"),
            models.CheckConstraint(
                condition=Q(due_at__isnull=False, status__in=["waiting", "failed"])
                | Q(due_at__isnull=True, status__in=["delivered", "given_up"]),
                name="webhook_delivery_due_while_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display()} for {self.webhook}"


class WebhookNotice(models.Model):
    """What happened and has no Message Event, until it is turned into deliveries.

    Written only when a webhook wants it: the change of a message's status (`message_id`), or
    something else, whose payload is in `data`.
    """

    type = models.CharField(max_length=30, choices=WebhookEvent.choices)
    message_id = models.PositiveBigIntegerField(null=True)
    at = models.DateTimeField()
    data: Any = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.type} at {self.at:%Y-%m-%d %H:%M:%S}"


class WebhookCursor(models.Model):
    """How far the Message Events are turned into deliveries.

    `position` is the last id that was; empty while no webhook is told anything. Events up to the
    id `barrier` are all to be seen when none of the transactions `holders` is open any more.
    """

    position = models.PositiveBigIntegerField(null=True)
    barrier = models.PositiveBigIntegerField(null=True)
    holders: Any = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"at {self.position}"
