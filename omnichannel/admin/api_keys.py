from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from omnichannel import api_keys
from omnichannel.admin.base import (
    ActionVariant,
    DestructiveDialog,
    DropdownFilter,
    StudioAdmin,
    UnfoldAdminCheckboxSelectMultipleWidget,
    action,
    badge,
    display,
    row_id,
)
from omnichannel.admin.history import HistoryAdmin
from omnichannel.choices import ApiKeyState, Scope
from omnichannel.exceptions import IllegalTransition
from omnichannel.models import ApiKey

COLOURS = {
    ApiKeyState.ACTIVE: "success",
    ApiKeyState.EXPIRED: "warning",
    ApiKeyState.REVOKED: "danger",
}
MADE = ("created_at", "created_by")
REVOKE_DIALOG = {
    "title": "Revoke this API key?",
    "description": "Whoever uses it is refused from now on. It cannot be made valid again.",
    "form_class": DestructiveDialog,
    "form_submit_text": "Revoke",
}


class ApiKeyForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="To look at something needs “Read everything” or the scope that may change it.",
    )

    class Meta:
        model = ApiKey
        fields = ("name", "scopes", "is_test", "rate_limit", "expires_at")

    def clean_expires_at(self) -> datetime.datetime | None:
        until: datetime.datetime | None = self.cleaned_data["expires_at"]
        if "expires_at" in self.changed_data and until and until <= timezone.now():
            raise forms.ValidationError("Enter a moment in the future, or leave it empty.")
        return until


class StateFilter(DropdownFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(state.value, str(state.label)) for state in ApiKeyState]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        at = timezone.now()
        match self.value():
            case ApiKeyState.ACTIVE:
                return queryset & ApiKey.objects.active(at)
            case ApiKeyState.EXPIRED:
                return queryset.filter(revoked_at=None, expires_at__lte=at)
            case ApiKeyState.REVOKED:
                return queryset.exclude(revoked_at=None)
        return queryset


@admin.register(ApiKey)
class ApiKeyAdmin(HistoryAdmin, StudioAdmin):
    """A key is shown once, in the answer to the form that makes it, and kept nowhere."""

    form = ApiKeyForm
    list_display = ("name", "prefix", "may", "kind", "last_used_at", "expires_at", "state")
    list_filter = (StateFilter, "is_test")
    search_fields = ("name", "prefix")
    sortable_by = ("name", "last_used_at", "expires_at")
    actions_row = ("revoke",)
    actions_detail = ("revoke",)
    empty_hint = "An API key lets another system send messages and change what you allow it to."
    add_fieldsets = ((None, {"fields": ("name", "scopes", "is_test", "rate_limit", "expires_at")}),)
    fieldsets = (
        (None, {"fields": ("name", "scopes", "rate_limit", "expires_at")}),
        (None, {"fields": (("prefix", "kind_now"), ("state_now", "last_used_at"), MADE)}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return self.fieldsets if obj else self.add_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        told = ("prefix", "kind_now", "state_now", "created_at", "created_by", "last_used_at")
        return told if obj else ()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        found: dict[str, Any] = super().get_actions(request)
        found.pop("delete_selected", None)
        return found

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        is_over = obj is not None and obj.revoked_at is not None
        return not is_over and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False  # it is revoked: the history of what it changed names it

    def has_revoke_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        if not request.user.has_perm("omnichannel.change_apikey"):
            return False
        if request.method == "POST" or not object_id:
            return True
        return ApiKey.objects.filter(pk=row_id(object_id), revoked_at=None).exists()

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        assert isinstance(request.user, User)
        obj.created_by = request.user
        obj.shown_once = api_keys.save_new(obj)

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Not a redirect: it would have to keep the key until the next page asks for it."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"API key {obj.name}",
            "key": obj.shown_once,
            "row": obj,
            "back": reverse("admin:omnichannel_apikey_changelist"),
        }
        return TemplateResponse(request, "admin/omnichannel/api_key_made.html", context)

    @action(
        description="Revoke",
        icon="block",
        permissions=["revoke"],
        variant=ActionVariant.DANGER,
        dialog=REVOKE_DIALOG,
    )
    def revoke(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        row = get_object_or_404(ApiKey, pk=row_id(object_id))
        try:
            api_keys.revoke(row, at=timezone.now())
        except IllegalTransition as error:
            return self.refuse(request, error)
        self.log_change(request, row, "Revoked.")
        return self.done(request, f"{row} was revoked.")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """What follows a new key is the page that shows it, whatever button was used."""
        if kwargs.get("add"):
            context |= {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description="kind", label={"Live": "info", "Test": "warning"})
    def kind(self, obj: ApiKey) -> str:
        return "Test" if obj.is_test else "Live"

    @display(description="kind")
    def kind_now(self, obj: ApiKey) -> str:
        return "Test: only reaches the sandbox" if obj.is_test else "Live"

    @display(description="scopes")
    def may(self, obj: ApiKey) -> str:
        return ", ".join(obj.scopes)

    @display(description="state", label=COLOURS)
    def state(self, obj: ApiKey) -> tuple[str, str]:
        state = obj.state(timezone.now())
        return state.value, str(state.label)

    @display(description="state")
    def state_now(self, obj: ApiKey) -> str:
        state = obj.state(timezone.now())
        return badge(COLOURS[state], str(state.label))
