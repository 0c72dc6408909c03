from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from omnichannel.admin.base import DropdownFilter, TextFilter
from omnichannel.choices import ChannelType
from omnichannel.models import ChannelProvider, Message


class ErrorCodeFilter(TextFilter):
    title = "error code"
    parameter_name = "error_code"

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Message]
    ) -> QuerySet[Message] | None:
        code = (self.value() or "").replace("\0", "").strip()
        return queryset.filter(error_code=code) if code else queryset


class ChannelTypeFilter(DropdownFilter):
    title = "channel type"
    parameter_name = "channel_type"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return list(ChannelType.choices)

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Message]
    ) -> QuerySet[Message] | None:
        if self.value() not in ChannelType.values:
            return queryset
        return queryset.filter(provider__channel_type=self.value())


class ProviderStateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("working", "Working"), ("resting", "Resting"), ("stopped", "Stopped")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ChannelProvider]
    ) -> QuerySet[ChannelProvider]:
        at = timezone.now()
        if self.value() == "stopped":
            return queryset.filter(stopped_at__isnull=False)
        if self.value() == "resting":
            return queryset.filter(stopped_at__isnull=True, resting_until__gt=at)
        if self.value() == "working":
            return queryset.filter(pk__in=ChannelProvider.objects.able(at).values("pk"))
        return queryset
