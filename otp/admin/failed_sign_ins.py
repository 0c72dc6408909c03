"""Wrong passwords that django-axes counted, and how somebody is let in again."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from omnichannel.admin.base import StudioAdmin, display
from otp.models import FailedSignIn

LOCKED, OPEN, OVER = "Locked out", "Open", "Over"


@admin.register(FailedSignIn)
class FailedSignInAdmin(StudioAdmin):
    """Deleting a row lets its user name in again from that address."""

    list_display = ("username", "ip_address", "failures", "attempt_time", "state")
    search_fields = ("username", "ip_address")
    search_help_text = "Part of a user name or an IP address"
    ordering = ("-attempt_time",)
    fields = readonly_fields = (
        "username",
        "ip_address",
        "user_agent",
        "failures",
        "attempt_time",
        "state",
    )
    empty_title = "No failed sign-ins"
    empty_hint = "Wrong passwords are counted here for a while. Deleting a row lets in again."

    class Media:
        css = {"all": ("studio/accounts.css",)}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description="wrong passwords", ordering="failures_since_start")
    def failures(self, obj: FailedSignIn) -> int:
        count: int = obj.failures_since_start
        return count

    @display(description="state", label={LOCKED: "danger", OPEN: "warning", OVER: "info"})
    def state(self, obj: FailedSignIn) -> str:
        if obj.attempt_time + settings.AXES_COOLOFF_TIME <= timezone.now():
            return OVER
        return LOCKED if obj.failures_since_start >= settings.AXES_FAILURE_LIMIT else OPEN
