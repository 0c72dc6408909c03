from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from omnichannel.admin.base import TextFilter


class PurposeFilter(TextFilter):
    title = "purpose"
    parameter_name = "purpose"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        purpose = (self.value() or "").replace("\0", "").strip()
        return queryset.filter(purpose=purpose) if purpose else queryset


class PrefixFilter(TextFilter):
    title = "prefix"
    parameter_name = "prefix"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        prefix = (self.value() or "").replace("\0", "").strip()
        return queryset.filter(prefix=prefix) if prefix else queryset
