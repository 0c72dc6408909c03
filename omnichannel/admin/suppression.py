from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest

from omnichannel.addresses import clean_address
from omnichannel.admin.base import StudioAdmin
from omnichannel.admin.paginator import CappedPaginator
from omnichannel.exceptions import InvalidMessage
from omnichannel.models import Suppression


class SuppressionForm(forms.ModelForm):
    class Meta:
        model = Suppression
        fields = ("channel_type", "address", "category", "reason", "note")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("address") and cleaned.get("channel_type"):
            try:
                address = clean_address(
                    cleaned["channel_type"], cleaned["address"], settings.DEFAULT_PHONE_REGION
                )
            except InvalidMessage as error:
                self.add_error("address", str(error))
            else:
                cleaned["address"] = address.lower() if "@" in address else address
        return cleaned


@admin.register(Suppression)
class SuppressionAdmin(StudioAdmin):
    form = SuppressionForm
    list_display = ("address", "channel_type", "category_or_all", "reason", "note", "created_at")
    list_filter = ("channel_type", "category", "reason")
    search_fields = ("address__startswith",)
    search_help_text = "The beginning of an address"
    paginator = CappedPaginator
    empty_hint = "Nobody is suppressed. Add an address that must not be written to."

    @admin.display(description="category", ordering="category")
    def category_or_all(self, obj: Suppression) -> str:
        return obj.get_category_display() if obj.category else "All"

    def has_change_permission(self, request: HttpRequest, obj: Suppression | None = None) -> bool:
        return False
