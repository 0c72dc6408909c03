from __future__ import annotations

from django.db import models
from simple_history.models import HistoricalRecords


class GlobalVariable(models.Model):
    """A value every template may use as `global.<key>`.

    Read-only ones form a fixed set (company name, domain, ...): their value is edited, their
    key is not, and none can be added or removed. Editable ones have free keys.
    """

    key = models.CharField(
        max_length=60, unique=True, help_text="Used in templates as {{ global.key }}."
    )
    value = models.TextField(blank=True)
    description = models.CharField(max_length=255, blank=True)
    is_read_only = models.BooleanField("read-only", default=False, editable=False)
    history = HistoricalRecords()

    class Meta:
        ordering = ("-is_read_only", "key")
        verbose_name = "global variable"
        permissions = [("change_company_details", "Can change the read-only set's values")]

    def __str__(self) -> str:
        return self.key
