"""The one module that imports Unfold. Every admin of the product is built from these."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminPasswordInput,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)


class StudioAdmin(ModelAdmin):
    """Shared behaviour of the Studio's lists and forms."""

    compressed_fields = True
    warn_unsaved_form = True
    list_filter_submit = True
    list_filter_sheet = True
    list_per_page = 50
    show_full_result_count = False

    def done(self, request: HttpRequest, text: str, url: str | None = None) -> HttpResponse:
        """Close a dialog: tell the operator, then load `url` (or the list) anew."""
        messages.success(request, text)
        return self.go(url)

    def refuse(
        self, request: HttpRequest, error: Exception, url: str | None = None
    ) -> HttpResponse:
        """Close a dialog that could not do its work, saying why."""
        messages.error(request, str(error))
        return self.go(url)

    def go(self, url: str | None = None) -> HttpResponse:
        meta = self.opts
        target = url or reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
        return HttpResponse(headers={"HX-Redirect": target})


__all__ = [
    "ActionVariant",
    "BaseDialogForm",
    "RangeDateTimeFilter",
    "StackedInline",
    "StudioAdmin",
    "TabularInline",
    "UnfoldAdminFileFieldWidget",
    "UnfoldAdminPasswordInput",
    "UnfoldAdminSelectWidget",
    "UnfoldAdminTextInputWidget",
    "UnfoldAdminTextareaWidget",
    "UnfoldBooleanSwitchWidget",
    "action",
    "display",
]
