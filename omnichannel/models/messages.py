from __future__ import annotations

import datetime
import uuid
from typing import Any

from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Lower

from omnichannel.choices import Category, MessageStatus, Priority, sources_of

ERASED = "erased"  # what is left of an address is this and the message's id
TROUBLE = (MessageStatus.FAILED, MessageStatus.ERROR, MessageStatus.UNCERTAIN)
WITH_CAPITALS = ~Q(to_address=Lower("to_address"))
WITH_COPIES = ~Q(cc_addresses="", bcc_addresses="")


class OneOf(Func):
    """The condition of a partial index as it is written there: SQLite knows it by its words."""

    def __init__(self, statuses: tuple[MessageStatus, ...]) -> None:
        super().__init__(F("status"), output_field=models.BooleanField())
        words = ", ".join(f"'{status.value}'" for status in statuses)
        only = len(statuses) == 1
        self.template = f"%(expressions)s = {words}" if only else f"%(expressions)s IN ({words})"


class MessageQuerySet(models.QuerySet["Message"]):
    def due(self, at: datetime.datetime) -> MessageQuerySet:
        """Messages that wait by themselves and whose moment (UTC) has come, in that order."""
        return self.by_themselves().filter(due_at__lte=at).order_by("due_at")

    def by_themselves(self) -> MessageQuerySet:
        """Messages that wait for a moment of their own."""
        return self.filter(OneOf((MessageStatus.SCHEDULED, MessageStatus.ERROR)))

    def overdue(self, at: datetime.datetime) -> MessageQuerySet:
        """Messages not handed over whose time has ended, in that order."""
        rows = self.filter(OneOf(MessageStatus.waiting()), expires_at__lte=at)
        return rows.order_by("expires_at")

    def ready(self) -> MessageQuerySet:
        """Messages that wait for a worker to claim them."""
        return self.filter(OneOf((MessageStatus.NEW,)))

    def claimed(self) -> MessageQuerySet:
        """Messages that a worker has, or had when it died."""
        return self.filter(OneOf((MessageStatus.SENDING,)))

    def uncertain(self) -> MessageQuerySet:
        """Messages that were handed over and got no answer."""
        return self.filter(OneOf(TROUBLE), status=MessageStatus.UNCERTAIN)

    def move(self, target: MessageStatus, **fields: Any) -> int:
        """Move those rows that may become `target`; answer how many did.

        The one way a status changes outside the send loop's own statements.
        """
        return self.filter(status__in=sources_of(target)).update(status=target, **fields)


class Message(models.Model):
    """One message to one recipient, from its queueing to its last event."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    job = models.ForeignKey(
        "omnichannel.Job",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="messages",
        db_index=False,  # message_job_status begins with it
    )
    lane = models.ForeignKey(
        "omnichannel.Lane", models.RESTRICT, related_name="messages", editable=False, db_index=False
    )
    channel = models.ForeignKey(
        "omnichannel.Channel",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="messages",
        verbose_name="Communication Channel",
        db_index=False,
    )
    provider = models.ForeignKey(
        "omnichannel.ChannelProvider",
        models.PROTECT,
        related_name="messages",
        verbose_name="Channel Provider",
        db_index=False,
    )
    category = models.CharField(
        max_length=15, choices=Category.choices, default=Category.TRANSACTIONAL
    )
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)

    to_address = models.CharField("To Address", max_length=320)
    cc_addresses = models.TextField(
        "CC Addresses", blank=True, help_text="Several are separated by semicolons."
    )
    bcc_addresses = models.TextField(
        "BCC Addresses", blank=True, help_text="Several are separated by semicolons."
    )
    subject = models.CharField(max_length=998, blank=True)
    body_html = models.TextField("Body (HTML)", blank=True)
    body_text = models.TextField("Body (text)", blank=True)
    template_version = models.ForeignKey(
        "omnichannel.TemplateVersion",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        editable=False,
    )
    variables = models.JSONField(default=dict, blank=True)
    channel_provider_params = models.JSONField("Channel Provider Params", default=dict, blank=True)
    extended_properties = models.JSONField("extended properties", default=dict, blank=True)

    starts_at = models.DateTimeField("Start Date", null=True, blank=True)
    ends_at = models.DateTimeField("End Date", null=True, blank=True)
    interval_min = models.TimeField(
        "Interval Min", null=True, blank=True, help_text="HH:MM:SS, UTC. Empty: the provider's."
    )
    interval_max = models.TimeField(
        "Interval Max", null=True, blank=True, help_text="HH:MM:SS, UTC. Empty: the provider's."
    )
    retry_max_attempt = models.PositiveIntegerField(
        "Retry Max Attempt", null=True, blank=True, help_text="Empty: the provider's."
    )
    pool_time_retry = models.DurationField(
        "Pool Time Retry", null=True, blank=True, help_text="HH:MM:SS. Empty: the provider's."
    )

    status = models.CharField(
        "Message Status",
        max_length=10,
        choices=MessageStatus.choices,
        default=MessageStatus.NEW,
    )
    provider_status = models.ForeignKey(
        "omnichannel.ProviderStatus",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="Channel Provider Status",
        db_index=False,
        editable=False,
    )
    retry_attempt = models.PositiveIntegerField("Retry Attempt", default=0, editable=False)
    attempts = models.PositiveIntegerField(default=0, editable=False)
    last_attempt_at = models.DateTimeField("Last Attempt", null=True, blank=True, editable=False)
    external_id = models.CharField("External Id", max_length=255, blank=True, editable=False)
    error_code = models.CharField(max_length=60, blank=True, editable=False)
    error_message = models.TextField(blank=True, editable=False)

    created_at = models.DateTimeField("created", editable=False)
    expires_at = models.DateTimeField("expires", null=True, blank=True, editable=False)
    due_at = models.DateTimeField("waits until", null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    claimed_by = models.CharField(max_length=80, blank=True, editable=False)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name = "message"
        verbose_name_plural = "message queue"
        permissions = [
            ("resolve_message", "Can requeue, cancel and resolve messages"),
            ("export_message", "Can export messages"),
        ]
        indexes = [
            models.Index(fields=["lane", "id"], condition=Q(status="new"), name="message_ready"),
            models.Index(
                fields=["due_at"],
                condition=Q(status__in=["scheduled", "error"]),
                name="message_due",
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(status__in=["scheduled", "new", "error"], expires_at__isnull=False),
                name="message_expiring",
            ),
            models.Index(
                fields=["lease_until"], condition=Q(status="sending"), name="message_claimed"
            ),
            models.Index(
                fields=["provider", "external_id"],
                condition=~Q(external_id=""),
                name="message_external",
            ),
            models.Index(fields=["job", "status"], name="message_job_status"),
            models.Index(fields=["to_address"], name="message_to"),
            # With the one above it finds an address however it is written. Most are in lower case
            # and have no entry here: writing them costs next to nothing more.
            models.Index(
                Lower("to_address"),
                condition=WITH_CAPITALS,
                name="message_to_lower",
            ),
            # For one person's page.
            models.Index(fields=["id"], name="message_with_copies", condition=WITH_COPIES),
            models.Index(
                fields=["status", "id"],
                condition=Q(status__in=["failed", "error", "uncertain"]),
                name="message_trouble",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["job", "to_address"],
                condition=Q(job__isnull=False),
                name="message_once_per_job",
            ),
            models.CheckConstraint(
                condition=Q(status__in=MessageStatus.values), name="message_status_known"
            ),
            models.CheckConstraint(
                condition=Q(interval_min__isnull=True)
                | Q(interval_max__isnull=True)
                | ~Q(interval_min=F("interval_max")),
                name="message_interval_not_empty",
                violation_error_message="Interval Min and Interval Max are equal: "
                "leave both empty to send all day.",
            ),
        ]

    def __str__(self) -> str:
        return f"Message {self.pk} to {self.to_address}"

    @property
    def is_erased(self) -> bool:
        """Whose it was is not known any more (see `omnichannel.erasing`)."""
        return self.to_address == f"{ERASED}-{self.pk}"

    @property
    def retries_allowed(self) -> int:
        own = self.retry_max_attempt
        return self.provider.retry_max_attempt if own is None else own

    @property
    def retry_wait(self) -> datetime.timedelta:
        own = self.pool_time_retry
        return self.provider.pool_time_retry if own is None else own


def attachment_path(attachment: MessageAttachment, filename: str) -> str:
    return f"attachments/{uuid.uuid4().hex}"


class MessageAttachment(models.Model):
    """A file that goes out with a message. Stored under a name of our own."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="attachments")
    file = models.FileField(upload_to=attachment_path)
    name = models.CharField("file name", max_length=150, blank=True)
    content_type = models.CharField(max_length=100, blank=True, editable=False)
    size = models.PositiveBigIntegerField("size in bytes", default=0, editable=False)

    class Meta:
        ordering = ("id",)
        verbose_name = "attachment"

    def __str__(self) -> str:
        return self.name
