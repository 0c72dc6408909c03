from __future__ import annotations

import secrets

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from integrations.choices import Encryption, MdnMode, Signing
from omnichannel.models.fields import EncryptedTextField

SECRETS = ["self_key", "next_key", "http_password"]


def new_token() -> str:
    return secrets.token_urlsafe(24)


class As2Connection(models.Model):
    """Two AS2 stations: ours for this mailbox, and the partner's.

    Certificates are PEM texts; private keys PKCS #8 PEM, encrypted at rest. During a roll-over
    the next key and certificate of either side count beside the present ones.
    """

    integration = models.OneToOneField(
        "integrations.Integration", models.CASCADE, related_name="as2"
    )
    token = models.CharField(max_length=64, unique=True, default=new_token, editable=False)
    self_id = models.CharField("Self ID", max_length=128)
    self_certificate = models.TextField(blank=True, editable=False)
    self_key = EncryptedTextField(blank=True, editable=False)
    next_certificate = models.TextField(blank=True, editable=False)
    next_key = EncryptedTextField(blank=True, editable=False)
    switch_at = models.DateTimeField(
        "next certificate signs from", null=True, blank=True, editable=False
    )
    recipient_url = models.CharField("recipient URL", max_length=1000, blank=True)
    recipient_id = models.CharField("recipient ID", max_length=128, blank=True)
    recipient_certificate = models.TextField(blank=True)
    recipient_certificate_next = models.TextField("next recipient certificate", blank=True)
    recipient_email = models.EmailField("recipient e-mail", blank=True)
    encryption = models.CharField(
        max_length=10, choices=Encryption.choices, default=Encryption.AES256
    )
    signing = models.CharField(max_length=6, choices=Signing.choices, default=Signing.SHA256)
    compress = models.BooleanField(default=False)
    mdn_mode = models.CharField(
        "receipt (MDN)", max_length=5, choices=MdnMode.choices, default=MdnMode.SYNC
    )
    mdn_signed = models.BooleanField("signed receipt", default=True)
    require_signed = models.BooleanField("only signed messages", default=True)
    require_encrypted = models.BooleanField("only encrypted messages", default=True)
    allow_legacy = models.BooleanField("allow SHA-1 and 3DES", default=False)
    content_type = models.CharField(max_length=100, default="application/octet-stream")
    subject = models.CharField(max_length=200, blank=True)
    http_user = models.CharField("HTTP user", max_length=120, blank=True)
    http_password = EncryptedTextField("HTTP password", blank=True)
    verify_tls = models.BooleanField("verify the TLS certificate", default=True)
    timeout_s = models.PositiveSmallIntegerField(
        "timeout (seconds)", default=60, validators=[MinValueValidator(5), MaxValueValidator(300)]
    )
    max_attempts = models.PositiveSmallIntegerField(
        "attempts", default=5, validators=[MinValueValidator(1), MaxValueValidator(10)]
    )
    max_mb = models.PositiveSmallIntegerField(
        "largest message (MB)",
        default=64,
        validators=[MinValueValidator(1), MaxValueValidator(64)],
    )
    history = HistoricalRecords(excluded_fields=[*SECRETS, "token"])

    class Meta:
        default_permissions = ()
        verbose_name = "AS2 connection"
        constraints = [
            models.UniqueConstraint(
                fields=["self_id", "recipient_id"],
                condition=~Q(recipient_id=""),
                name="as2_pair_once",
                violation_error_message="Another mailbox has this pair of ids.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.self_id} and {self.recipient_id or 'nobody yet'}"
