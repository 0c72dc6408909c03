"""Two-factor sign-in on the pages of users and groups."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Case, CharField, Q, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.safestring import SafeString

from omnichannel.admin.accounts import GroupAdmin as PlainGroupAdmin
from omnichannel.admin.accounts import UserAdmin as PlainUserAdmin
from omnichannel.admin.base import (
    ActionVariant,
    DestructiveDialog,
    DropdownFilter,
    StudioAdmin,
    UnfoldBooleanSwitchWidget,
    UserChangeForm,
    action,
    badge,
    display,
    row_id,
)
from otp.models import Requirement
from otp.two_factor import audit, removal, standing

admin.site.unregister(User)
admin.site.unregister(Group)

ON, MISSING, OFF = "On", "Required, not set up", "Off"
COLOURS = {ON: "success", MISSING: "warning", OFF: "info"}
SWITCH = "two_factor_required"
TOLD = "two_factor_is_required"
REMOVE_DIALOG = {
    "title": "Remove two-factor devices",
    "description": "For somebody who lost a phone and has no backup code: make sure that it is "
    "they who ask. All devices, backup codes and remembered browsers of this user go. The "
    "password alone signs in then; where a device is required, a new one is set up first.",
    "form_submit_text": "Remove",
    "form_class": DestructiveDialog,
}


def _switch(explained: str) -> forms.BooleanField:
    return forms.BooleanField(
        label="Required",
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text=explained,
    )


class UserForm(UserChangeForm):
    two_factor_required = _switch(
        "Who has no device yet sets one up right after the password, and can do nothing else "
        "before. A group of the user's may require it too."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial[SWITCH] = Requirement.objects.filter(user=self.instance.pk).exists()


class GroupForm(forms.ModelForm):
    two_factor_required = _switch("Of everybody in this group.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        key = self.instance.pk
        is_on = key is not None and Requirement.objects.filter(group=key).exists()
        self.initial[SWITCH] = is_on


class StateFilter(DropdownFilter):
    title = "two-factor sign-in"
    parameter_name = "two_factor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("on", ON), ("missing", MISSING), ("off", OFF)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        conditions = {
            "on": standing.has_device(),
            "missing": ~standing.has_device() & standing.is_required(),
            "off": ~standing.has_device() & ~standing.is_required(),
        }
        return queryset.filter(conditions.get(self.value() or "", Q()))


class Requiring(StudioAdmin):
    """A switch for who may change requirements; others are told how it stands."""

    owner = ""  # the field of Requirement

    def may_require(self, request: HttpRequest, obj: Any) -> bool:
        may_change = self.has_change_permission(request, obj)
        return may_change and request.user.has_perm("otp.change_requirement")

    def switch(self, request: HttpRequest, obj: Any) -> str:
        return SWITCH if self.may_require(request, obj) else TOLD

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*super().get_readonly_fields(request, obj), TOLD)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if SWITCH not in form.changed_data or not self.may_require(request, obj):
            return
        if form.cleaned_data[SWITCH]:
            Requirement.objects.get_or_create(**{self.owner: obj})
        else:
            Requirement.objects.filter(**{self.owner: obj}).delete()

    @display(description="required", boolean=True)
    def two_factor_is_required(self, obj: Any) -> bool:
        return Requirement.objects.filter(**{self.owner: obj.pk}).exists()


@admin.register(User)
class UserAdmin(Requiring, PlainUserAdmin):
    owner = "user"
    form = UserForm
    actions_detail = ("remove_devices",)

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        return (*super().get_list_display(request), "two_factor")

    def get_list_filter(self, request: HttpRequest) -> tuple[Any, ...]:
        return (*super().get_list_filter(request), StateFilter)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        state = Case(
            When(standing.has_device(), then=Value(ON)),
            When(standing.is_required(), then=Value(MISSING)),
            default=Value(OFF),
            output_field=CharField(),
        )
        return super().get_queryset(request).annotate(two_factor_now=state)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        fields = (self.switch(request, obj), "two_factor_devices")
        return (*fieldsets, ("Two-factor sign-in", {"fields": fields}))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*super().get_readonly_fields(request, obj), "two_factor_devices")

    @display(description="two-factor", label=COLOURS)
    def two_factor(self, obj: Any) -> str:
        return str(obj.two_factor_now)

    @display(description="devices")
    def two_factor_devices(self, obj: User) -> str | SafeString:
        names = [str(device) for device in standing.devices_of(obj)]
        if names:
            return ", ".join(names)
        state = MISSING if standing.is_required_of(obj) else OFF
        return badge(COLOURS[state], state)

    def has_remove_devices_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Never one's own: who has taken over a session must not get rid of the second factor."""
        if not request.user.has_perm("otp.remove_devices"):
            return False
        if not object_id:
            return True
        user = User.objects.filter(pk=row_id(object_id)).first()
        if user is None or user.pk == request.user.pk:
            return False
        may = self.has_change_permission(request, user)
        return may and (request.method == "POST" or bool(standing.devices_of(user)))

    @action(
        description="Remove two-factor devices",
        icon="no_encryption",
        permissions=["remove_devices"],
        variant=ActionVariant.DANGER,
        dialog=REMOVE_DIALOG,
    )
    def remove_devices(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        user = get_object_or_404(User, pk=row_id(object_id))
        count = removal.remove_all(user)
        audit.note(request.user, user, f"Two-factor devices removed: {count}.")
        url = reverse("admin:auth_user_change", args=[user.pk])
        return self.done(request, f"{user} has no two-factor devices any more.", url)


@admin.register(Group)
class GroupAdmin(Requiring, PlainGroupAdmin):
    owner = "group"
    form = GroupForm

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldset = ("Two-factor sign-in", {"fields": (self.switch(request, obj),)})
        return ((None, {"fields": ("name", "permissions")}), fieldset)
