from __future__ import annotations

import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from omnichannel.choices import AfterReading, MailboxProtocol, MailboxSecurity
from omnichannel.models.fields import EncryptedTextField

PORTS = {
    (MailboxProtocol.IMAP, MailboxSecurity.TLS): 993,
    (MailboxProtocol.IMAP, MailboxSecurity.STARTTLS): 143,
    (MailboxProtocol.IMAP, MailboxSecurity.NONE): 143,
    (MailboxProtocol.POP3, MailboxSecurity.TLS): 995,
    (MailboxProtocol.POP3, MailboxSecurity.STARTTLS): 110,
    (MailboxProtocol.POP3, MailboxSecurity.NONE): 110,
}


class BounceMailboxQuerySet(models.QuerySet["BounceMailbox"]):
    def due(self, at: datetime.datetime) -> BounceMailboxQuerySet:
        """Those to be read at the given moment, longest waiting first."""
        return self.filter(is_active=True, due_at__lte=at).order_by("due_at", "pk")


class BounceMailbox(models.Model):
    """The mailbox to which relays report what a provider's messages came to.

    `due_at` is when it is read next; while it is being read, when its reader is taken for dead.
    """

    provider = models.OneToOneField(
        "omnichannel.ChannelProvider", models.CASCADE, related_name="bounce_mailbox"
    )
    is_active = models.BooleanField("read it", default=True)
    protocol = models.CharField(
        max_length=4, choices=MailboxProtocol.choices, default=MailboxProtocol.IMAP
    )
    host = models.CharField(max_length=253, help_text="Such as imap.example.com")
    port = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(65535)],
        help_text="Empty: the usual one of the protocol and the encryption.",
    )
    security = models.CharField(
        max_length=8,
        choices=MailboxSecurity.choices,
        default=MailboxSecurity.TLS,
        help_text="The server's certificate is always verified.",
    )
    ca_certificate = models.TextField(
        "CA certificate",
        blank=True,
        help_text="PEM. Only for a server whose certificate your own authority signed.",
    )
    user = models.CharField("user name", max_length=255)
    password = EncryptedTextField(default="", blank=True, editable=False)
    folder = models.CharField(
        max_length=200, default="INBOX", help_text="IMAP only: where reports arrive."
    )
    after_reading = models.CharField(
        "read mail",
        max_length=6,
        choices=AfterReading.choices,
        default=AfterReading.SEEN,
        help_text="Done with reports of our messages and with automatic replies. All else stays "
        "as it is. POP3 can only delete.",
    )
    move_to = models.CharField(
        "moved to", max_length=200, blank=True, help_text="IMAP only. It is made if need be."
    )

    due_at = models.DateTimeField(default=timezone.now, editable=False)
    last_read_at = models.DateTimeField("last read", null=True, blank=True, editable=False)
    last_error = models.CharField(max_length=500, blank=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    progress = models.JSONField(default=dict, blank=True, editable=False)  # the reader's own
    mails = models.PositiveBigIntegerField("mails read", default=0, editable=False)
    reports = models.PositiveBigIntegerField("reports of ours", default=0, editable=False)
    complaints = models.PositiveBigIntegerField(default=0, editable=False)
    replies = models.PositiveBigIntegerField("automatic replies", default=0, editable=False)
    strangers = models.PositiveBigIntegerField("reports of others", default=0, editable=False)
    unknown = models.PositiveBigIntegerField("not understood", default=0, editable=False)
    too_large = models.PositiveBigIntegerField(default=0, editable=False)

    objects = BounceMailboxQuerySet.as_manager()

    class Meta:
        verbose_name = "bounce mailbox"
        verbose_name_plural = "bounce mailboxes"
        indexes = [
            models.Index(fields=["due_at"], condition=Q(is_active=True), name="bounce_mailbox_due")
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.host}"

    @property
    def chosen_port(self) -> int:
        chosen = (MailboxProtocol(self.protocol), MailboxSecurity(self.security))
        return self.port or PORTS[chosen]
