"""How often rules went well and how often not."""

from __future__ import annotations

from django.db.models import F

from integrations.models import ConversionRule


def count(rule: ConversionRule, *, ok: bool) -> None:
    column = "ok_count" if ok else "failed_count"
    ConversionRule.objects.filter(pk=rule.pk).update(**{column: F(column) + 1})
