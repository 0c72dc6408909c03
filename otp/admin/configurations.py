"""The OTP Configuration Manager."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from omnichannel.admin.base import StudioAdmin, action, display
from omnichannel.admin.history import HistoryAdmin
from omnichannel.admin.paginator import CappedPaginator
from otp import codes
from otp.admin.code_test import TEST_DIALOG, CodeTestForm
from otp.admin.configuration_form import SHORT_LIMITS, ConfigurationForm
from otp.models import OtpConfiguration
from otp.models.configurations import SHORT_LENGTH

TITLE = "OTP Configuration Manager"
COLOURS = {"off": "danger", "default": "info", "active": "success"}
SIZES = {str(kind): len(alphabet) for kind, alphabet in codes.ALPHABETS.items()}


@admin.register(OtpConfiguration)
class OtpConfigurationAdmin(HistoryAdmin, StudioAdmin):
    form = ConfigurationForm
    list_display = ("name", "purpose", "code", "life", "tries", "state")
    list_filter = ("is_active", "length", "kind")
    list_select_related = ()
    search_fields = ("name", "purpose")
    search_help_text = "Part of a name or a purpose"
    paginator = CappedPaginator
    fieldsets = (
        (None, {"fields": (("name", "purpose"), ("is_default", "is_active"))}),
        ("Code", {"fields": (("length", "kind"), "strength")}),
        ("Life", {"fields": (("expiry_duration", "expiry_unit"), ("tries", "resend_after"))}),
        (
            "Limits",
            {
                "fields": (
                    ("sends_per_destination_hour", "sends_per_destination_day"),
                    ("sends_per_ip_hour", "sends_per_prefix_hour"),
                    ("failures_per_destination_day", "sends_per_day"),
                )
            },
        ),
        ("Where to", {"fields": ("countries",)}),
        (
            "Templates and providers",
            {
                "fields": (
                    ("sms_template", "sms_provider"),
                    ("email_template", "email_provider"),
                    "same_code",
                    "webotp_domain",
                )
            },
        ),
        ("Fallback", {"fields": ("fallback_after",)}),
        ("Fraud guard", {"fields": (("conversion_floor_percent", "conversion_after"),)}),
    )
    readonly_fields = ("strength",)
    actions_detail = ("send_test_code",)
    actions_row = ("send_test_code",)
    empty_title = "The usual values are used"
    empty_hint = (
        "Codes have six digits, are valid for five minutes and allow five tries. Add a "
        "configuration to change that, for one purpose or, as the default, for all."
    )

    class Media:
        css = {"all": ("studio/otp.css",)}
        js = ("studio/otp_strength.js",)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        title = dict.fromkeys(("title", "list_title"), TITLE)
        return super().changelist_view(request, {**title, **(extra_context or {})})

    @display(description="code")
    def code(self, obj: OtpConfiguration) -> str:
        kind = obj.get_kind_display().lower()
        return f"{obj.length} {kind}, {_bits(obj)} bits"

    @display(description="valid for")
    def life(self, obj: OtpConfiguration) -> str:
        return f"{obj.expiry_duration} {obj.expiry_unit}"

    @display(description="state", label=COLOURS)
    def state(self, obj: OtpConfiguration) -> tuple[str, str]:
        if not obj.is_active:
            return "off", "Off"
        return ("default", "Default") if obj.is_default else ("active", "Active")

    @admin.display(description="strength")
    def strength(self, obj: OtpConfiguration | None) -> str:
        """What the script keeps up to date while the fields beside it change."""
        shown = obj or OtpConfiguration.defaults()
        count = SIZES[shown.kind] ** shown.length
        rules = {"sizes": SIZES, "enough": codes.ENOUGH_BITS, "short": SHORT_LENGTH}
        context = {
            "rules": json.dumps({**rules, "limits": SHORT_LIMITS}),
            "bits": _bits(shown),
            "count": count,
            "failures": shown.failures_per_destination_day,
            "odds": count // max(1, shown.failures_per_destination_day),
            "is_weak": _bits(shown) < codes.ENOUGH_BITS,
            "is_short": shown.length <= SHORT_LENGTH,
            "enough": codes.ENOUGH_BITS,
            "limits": SHORT_LIMITS,
        }
        return render_to_string("admin/otp/strength.html", context)

    @action(
        description="Send test code",
        icon="send",
        permissions=["change"],
        dialog=TEST_DIALOG,
    )
    def send_test_code(
        self, request: HttpRequest, form: CodeTestForm, object_id: str
    ) -> HttpResponse:
        form.send()
        return self.answer(request, form, TEST_DIALOG)


def _bits(obj: OtpConfiguration) -> int:
    """Six digits are 19.9 bits, which the standards that ask for 20 mean."""
    return round(codes.bits(obj.length, obj.kind))
