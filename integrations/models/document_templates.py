from __future__ import annotations

import uuid

from django.db import models
from simple_history.models import HistoricalRecords


class DocumentTemplate(models.Model):
    """A kind of document: what fields its envelopes have."""

    key = models.UUIDField("UUID", unique=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey("integrations.Account", models.PROTECT, related_name="templates")
    name = models.CharField(max_length=120)
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="document_template_name_once")
        ]

    def __str__(self) -> str:
        return self.name

    def newest(self) -> DocumentTemplateVersion | None:
        return self.versions.order_by("-number").first()


class DocumentTemplateVersion(models.Model):
    """Never changes. `fields`: [{"name", "type": text|number|date, "required", "table": ""}]."""

    template = models.ForeignKey(DocumentTemplate, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    fields = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["template", "-number"]
        default_permissions = ("add", "view")
        constraints = [
            models.UniqueConstraint(
                fields=["template", "number"], name="document_template_number_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.template} v{self.number}"
