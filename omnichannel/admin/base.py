"""The one module that imports Unfold. Every admin of the product is built from these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.checks import ModelAdminChecks
from django.db.models import Field, JSONField
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    ChoicesDropdownFilter,
    DropdownFilter,
    RangeDateTimeFilter,
    RelatedDropdownFilter,
    TextFilter,
)
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import (
    AdminPasswordChangeForm,
    BaseDialogForm,
    UserChangeForm,
    UserCreationForm,
)
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
    UnfoldBooleanWidget,
)

from omnichannel.admin.json_field import JsonField


def row_id(object_id: object) -> int:
    """The key in a page's address. Raises Http404 when it is none."""
    text = str(object_id)
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Http404("There is no such row.")
    return int(text)


def badge(colour: str, text: str) -> SafeString:
    """A coloured label, for a field of a page. Lists use `@display(label=...)`."""
    return render_to_string("unfold/helpers/label.html", {"type": colour, "text": text})


class DestructiveDialog(BaseDialogForm):
    """Asks before something is lost for good: its button is red (`studio.css`)."""

    def render_after_template(self) -> str:
        rest = super().render_after_template()
        return format_html("{}<span data-destructive hidden></span>", rest)


class StudioAdmin(ModelAdmin):
    """Shared behaviour of the Studio's lists and forms."""

    # Unfold's own checks look permissions up in the database, which `migrate` has yet to make.
    checks_class = ModelAdminChecks
    formfield_overrides: ClassVar[Mapping[type[Field[Any, Any]], Mapping[str, Any]]] = {
        JSONField: {"form_class": JsonField}
    }
    compressed_fields = True
    warn_unsaved_form = True
    list_filter_submit = True
    list_filter_sheet = True
    list_per_page = 50
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # each would count the whole table
    empty_title = ""  # what it means that the list has no rows at all
    empty_hint = ""  # what to do when the list has no rows at all

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # A list is called what the menu calls it, also in the browser's tab.
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        return super().changelist_view(request, {**title, **(extra_context or {})})

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

    def answer(
        self, request: HttpRequest, form: BaseDialogForm, dialog: dict[str, Any]
    ) -> HttpResponse:
        """Show the dialog again, with what its form has to say by now."""
        context = {
            "dialog": dialog,
            "form": form,
            "form_submit_text": dialog.get("form_submit_text", ""),
        }
        return render(request, "unfold/helpers/dialog.html", context)

    def go(self, url: str | None = None) -> HttpResponse:
        meta = self.opts
        target = url or reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
        return HttpResponse(headers={"HX-Redirect": target})


__all__ = [
    "ActionVariant",
    "AdminPasswordChangeForm",
    "AutocompleteSelectFilter",
    "BaseDialogForm",
    "ChoicesDropdownFilter",
    "DestructiveDialog",
    "DropdownFilter",
    "RangeDateTimeFilter",
    "RelatedDropdownFilter",
    "StackedInline",
    "StudioAdmin",
    "TabularInline",
    "TextFilter",
    "UnfoldAdminCheckboxSelectMultipleWidget",
    "UnfoldAdminFileFieldWidget",
    "UnfoldAdminIntegerFieldWidget",
    "UnfoldAdminPasswordWidget",
    "UnfoldAdminSelectWidget",
    "UnfoldAdminTextInputWidget",
    "UnfoldAdminTextareaWidget",
    "UnfoldBooleanSwitchWidget",
    "UnfoldBooleanWidget",
    "UserChangeForm",
    "UserCreationForm",
    "action",
    "badge",
    "display",
    "row_id",
]
