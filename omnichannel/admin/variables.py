from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from omnichannel.admin.base import StudioAdmin, UnfoldAdminTextareaWidget, display
from omnichannel.admin.history import HistoryAdmin
from omnichannel.models import GlobalVariable
from omnichannel.variables import check_key


class GlobalVariableForm(forms.ModelForm):
    class Meta:
        model = GlobalVariable
        fields = ("key", "value", "description")
        widgets = {"value": UnfoldAdminTextareaWidget(attrs={"rows": 3})}

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"]
        check_key(key)
        return key


@admin.register(GlobalVariable)
class GlobalVariableAdmin(HistoryAdmin, StudioAdmin):
    """The read-only set has fixed keys, and values that only who may change them can."""

    form = GlobalVariableForm
    list_display = ("key", "value_shown", "kind", "description")
    list_filter = ("is_read_only",)
    search_fields = ("key", "value", "description")
    empty_hint = "A global variable is a value that every template may use."

    def get_fields(self, request: HttpRequest, obj: GlobalVariable | None = None) -> Any:
        return ("key", "value", "description")

    def get_readonly_fields(self, request: HttpRequest, obj: GlobalVariable | None = None) -> Any:
        return ("key", "description") if obj and obj.is_read_only else ()

    def has_change_permission(
        self, request: HttpRequest, obj: GlobalVariable | None = None
    ) -> bool:
        if obj and obj.is_read_only:
            return bool(request.user.has_perm("omnichannel.change_company_details"))
        return super().has_change_permission(request, obj)

    def has_delete_permission(
        self, request: HttpRequest, obj: GlobalVariable | None = None
    ) -> bool:
        return not (obj and obj.is_read_only) and super().has_delete_permission(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        super().delete_queryset(request, queryset.filter(is_read_only=False))

    @display(description="value", ordering="value")
    def value_shown(self, obj: GlobalVariable) -> str:
        return obj.value if len(obj.value) <= 80 else f"{obj.value[:77]}..."

    @display(
        description="kind",
        ordering="is_read_only",
        label={"Read-only set": "info", "Editable": "success"},
    )
    def kind(self, obj: GlobalVariable) -> str:
        return "Read-only set" if obj.is_read_only else "Editable"
