"""Originals are looked at and cloned, never changed; any other template can be cloned, too."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from omnichannel import cloning
from omnichannel.admin.base import (
    BaseDialogForm,
    DropdownFilter,
    StudioAdmin,
    UnfoldAdminTextInputWidget,
    action,
    row_id,
)
from omnichannel.admin.sender_form import one_line
from omnichannel.exceptions import TemplateError
from omnichannel.models import MessageTemplate

KEPT = "original template: %s"


class OwnFilter(DropdownFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("own", "Own"), ("original", "Originals")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[MessageTemplate]
    ) -> QuerySet[MessageTemplate]:
        if self.value() == "own":
            return queryset.filter(system_key="")
        return queryset.exclude(system_key="") if self.value() == "original" else queryset


class CloneForm(BaseDialogForm):
    name = forms.CharField(
        max_length=cloning.LONGEST_NAME,
        validators=[one_line],
        widget=UnfoldAdminTextInputWidget(),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].initial = cloning.free_name(self.template)

    @property
    def template(self) -> MessageTemplate:
        return get_object_or_404(MessageTemplate, pk=row_id(self.object_id))

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if cloning.is_taken(self.template.channel_type, name):
            raise forms.ValidationError("Another template has this name already.")
        return name


CLONE_DIALOG = {
    "title": "Clone this template?",
    "description": "A template of your own with the same content, as its version 1.",
    "form_class": CloneForm,
    "form_submit_text": "Clone",
}


class OriginalsAdmin(StudioAdmin):
    def has_change_permission(
        self, request: HttpRequest, obj: MessageTemplate | None = None
    ) -> bool:
        may = super().has_change_permission(request, obj)
        return may and not (obj is not None and obj.is_system)

    def has_delete_permission(
        self, request: HttpRequest, obj: MessageTemplate | None = None
    ) -> bool:
        may = super().has_delete_permission(request, obj)
        return may and not (obj is not None and obj.is_system)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, int], set[Any], list[Any]]:
        """Several at once: an original among them keeps all from being deleted."""
        listed, counts, needed, protected = super().get_deleted_objects(objs, request)
        kept = [*protected, *(KEPT % template for template in objs if template.is_system)]
        # What is kept is told by what keeps it, not by a permission that nobody can have.
        return listed, counts, set() if kept else needed, kept

    def has_clone_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.has_add_permission(request)

    @action(description="Clone", icon="content_copy", permissions=["clone"], dialog=CLONE_DIALOG)
    def clone(self, request: HttpRequest, form: CloneForm, object_id: str) -> HttpResponse:
        try:
            copy = cloning.clone(form.template, by=request.user, name=form.cleaned_data["name"])
        except TemplateError as error:
            return self.refuse(request, error)
        url = reverse(f"admin:omnichannel_{self.opts.model_name}_change", args=(copy.pk,))
        return self.done(request, f"{copy} is yours to change.", url)
