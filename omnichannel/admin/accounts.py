from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q
from django.http import HttpRequest

from omnichannel.admin.base import (
    AdminPasswordChangeForm,
    StudioAdmin,
    UserChangeForm,
    UserCreationForm,
)

# Whoever may edit users must not be able to give themselves more than they have.
POWERS = ("is_superuser", "groups", "user_permissions")

admin.site.unregister(User)
admin.site.unregister(Group)


class AccountAdmin(StudioAdmin):
    compressed_fields = False

    class Media:
        css = {"all": ["studio/accounts.css"]}


@admin.register(User)
class UserAdmin(DjangoUserAdmin, AccountAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "first_name", "last_name", "is_active", "is_superuser")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else (*fields, *POWERS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)


def _may_touch(request: HttpRequest, user: Any) -> bool:
    """Who sets a password can log in with it: nobody reaches more than they have."""
    if user is None or request.user.is_superuser:
        return True
    given = Permission.objects.filter(Q(user=user) | Q(group__user=user))
    names = given.values_list("content_type__app_label", "codename").distinct()
    return not user.is_superuser and all(
        request.user.has_perm(f"{app}.{codename}") for app, codename in names
    )


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, AccountAdmin):
    empty_hint = "A group gives its users the same permissions. Add the first one."

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if request.user.is_superuser else ("permissions",)
