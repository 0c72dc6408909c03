from __future__ import annotations

from typing import Any, NoReturn

from django.db import models

from integrations.choices import Operation


class EnvelopeEventQuerySet(models.QuerySet["EnvelopeEvent"]):
    def update(self, **values: Any) -> NoReturn:
        raise TypeError("An entry of the audit trail is never changed.")

    def delete(self) -> NoReturn:
        raise TypeError("An entry of the audit trail is never deleted.")


class EnvelopeEvent(models.Model):
    """An entry of the audit trail. Each knows the keyed digest of the one before it.

    It names what it is about by ids and not by keys: it stays when that is gone.
    """

    number = models.PositiveBigIntegerField(unique=True)  # 1, 2, 3 ... without a gap
    at = models.DateTimeField("when")
    operation = models.CharField("what", max_length=14, choices=Operation.choices)
    actor = models.CharField("who", max_length=150, default="system")
    ip = models.GenericIPAddressField("IP address", null=True, blank=True)
    agent = models.CharField(max_length=255, blank=True)
    mailbox_id = models.PositiveBigIntegerField(null=True, blank=True)
    envelope_id = models.PositiveBigIntegerField(null=True, blank=True)
    transmission_id = models.PositiveBigIntegerField(null=True, blank=True)
    rule_id = models.PositiveBigIntegerField(null=True, blank=True)
    text = models.CharField(max_length=500, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    digest = models.CharField(max_length=64)

    objects = EnvelopeEventQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        default_permissions = ("view",)
        verbose_name = "audit entry"
        verbose_name_plural = "audit trail"
        indexes = [
            models.Index(fields=["envelope_id", "number"], name="audit_by_envelope"),
            models.Index(fields=["transmission_id", "number"], name="audit_by_transmission"),
            models.Index(fields=["mailbox_id", "number"], name="audit_by_mailbox"),
        ]

    def __str__(self) -> str:
        return f"{self.get_operation_display()} {self.text}".strip()


class AuditHead(models.Model):
    """The end of the chain: whoever adds to it holds this row until the commit."""

    count = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.count} entries"
