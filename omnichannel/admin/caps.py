from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from omnichannel import caps
from omnichannel.admin.base import StudioAdmin, display
from omnichannel.admin.history import HistoryAdmin
from omnichannel.admin.paginator import CappedPaginator
from omnichannel.models import FrequencyCap

FORGOTTEN = (
    "This cap forgets: messages are deleted after {} days (KEEP_MESSAGES_DAYS), and what was "
    "deleted does not count. Keep them for 7 days or more."
)


@admin.register(FrequencyCap)
class FrequencyCapAdmin(HistoryAdmin, StudioAdmin):
    list_display = ("sentence", "channel_type", "counted", "is_active")
    list_filter = ("channel_type", "period", "is_active")
    list_select_related = ()
    search_fields = ("channel_type", "period")
    search_help_text = "A channel or a period, such as email or week"
    paginator = CappedPaginator
    empty_hint = (
        "A frequency cap keeps people from getting too many promotional messages. "
        "Without one, everybody gets every campaign."
    )
    fieldsets = (
        (None, {"fields": ("channel_type", ("number", "period"), "counts_all", "is_active")}),
    )

    @display(description="cap")
    def sentence(self, obj: FrequencyCap) -> str:
        return str(obj)

    @display(description="counted are")
    def counted(self, obj: FrequencyCap) -> str:
        return "All messages" if obj.counts_all else "Promotional ones"

    def save_model(
        self, request: HttpRequest, obj: FrequencyCap, form: forms.ModelForm, change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        caps.forget()
        if obj.is_active and obj.is_longer_than_kept:
            messages.warning(request, FORGOTTEN.format(settings.KEEP_MESSAGES_DAYS))

    def delete_model(self, request: HttpRequest, obj: FrequencyCap) -> None:
        super().delete_model(request, obj)
        caps.forget()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        super().delete_queryset(request, queryset)
        caps.forget()
