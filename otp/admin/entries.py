"""The audit trail: who asked for and checked codes, and what came of it. Nobody changes it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from omnichannel.admin.base import ChoicesDropdownFilter, StudioAdmin, badge, display
from omnichannel.admin.events import ReadOnly
from omnichannel.admin.moments import MomentRangeFilter
from omnichannel.admin.paginator import CappedPaginator
from omnichannel.models import Message
from otp.admin.filters import PrefixFilter, PurposeFilter
from otp.admin.masking import SEARCH_HELP, known_by, masked, may_look, message_link
from otp.choices import BlockReason, EntryKind, Refusal, Verdict
from otp.models import OtpEntry

COLOURS = {
    EntryKind.SENT: "info",
    EntryKind.NOT_SENT: "danger",
    EntryKind.REFUSED: "warning",
    EntryKind.LOCKED: "danger",
    EntryKind.FELL_BACK: "info",
    EntryKind.BLOCKED: "danger",
    EntryKind.LIFTED: "success",
}
SHORT = {
    Refusal.COOL_DOWN: "Too soon",
    Refusal.TOO_MANY_SENDS: "Too many sends",
    Refusal.COUNTRY: "Country not allowed",
    Refusal.PREMIUM: "Premium number",
    Refusal.BLOCKED_PREFIX: "Blocked prefix",
    Refusal.SUPPRESSED: "Suppressed",
    Refusal.PROVIDER: "Provider",
    Refusal.INACTIVE: "Switched off",
    Refusal.UNKNOWN: "Unknown request",
    Refusal.NO_OTHER_CHANNEL: "No other channel",
}
_WORDS = {
    str(key): str(text) for key, text in (*SHORT.items(), *Verdict.choices, *BlockReason.choices)
}
_WORDS |= {Verdict.UNKNOWN.value: "Unknown request", "failures": "Too many wrong codes"}


@admin.register(OtpEntry)
class OtpEntryAdmin(ReadOnly, StudioAdmin):
    list_display = ("at", "event", "result", "to", "purpose", "caller", "client_ip")
    list_display_links = ("at",)
    list_filter = (
        ("kind", ChoicesDropdownFilter),
        ("channel", ChoicesDropdownFilter),
        PurposeFilter,
        PrefixFilter,
        ("at", MomentRangeFilter),
        "is_test",
    )
    list_select_related = ()
    search_fields = ("destination",)
    search_help_text = SEARCH_HELP
    paginator = CappedPaginator
    ordering = ("-id",)
    sortable_by = ("at",)
    empty_hint = (
        "Every code that is sent, refused or checked becomes a line here. Nobody can change or "
        "delete them; they go by themselves when they are old."
    )
    fieldsets = (
        (None, {"fields": (("event_now", "result"), "detail", ("at", "test"))}),
        ("Whom", {"fields": (("channel", "to"), ("prefix", "country"), "purpose")}),
        ("Who", {"fields": (("caller", "client_ip"), "request_number")}),
        ("Way", {"fields": (("message_shown", "provider"), "template")}),
    )
    readonly_fields = ("event_now", "result", "to", "message_shown", "request_number", "test")

    class Media:
        css = {"all": ("studio/otp.css",)}

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        title = dict.fromkeys(("title", "list_title"), "OTP audit trail")
        return super().changelist_view(request, {**title, **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet[OtpEntry]:
        return super().get_queryset(request).annotate(may_look=may_look(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[OtpEntry], search_term: str
    ) -> tuple[QuerySet[OtpEntry], bool]:
        term = search_term.replace("\0", "").strip()
        return queryset.filter(known_by(term)) if term else queryset, False

    @display(description="what", label=COLOURS)
    def event(self, obj: OtpEntry) -> tuple[str, str]:
        return obj.kind, obj.get_kind_display()

    @admin.display(description="what")
    def event_now(self, obj: OtpEntry) -> str:
        return badge(COLOURS.get(EntryKind(obj.kind), ""), obj.get_kind_display())

    @display(description="outcome", empty_value="-")
    def result(self, obj: OtpEntry) -> str | None:
        return _WORDS.get(obj.outcome, obj.outcome) or None

    @display(description="to", empty_value="-")
    def to(self, obj: OtpEntry) -> str | None:
        return masked(obj.channel, obj.destination) or obj.prefix or None

    @admin.display(description="request id")
    def request_number(self, obj: OtpEntry) -> str:
        return obj.request_id.hex if obj.request_id else "-"

    @admin.display(description="test")
    def test(self, obj: OtpEntry) -> str:
        return "Yes" if obj.is_test else "-"

    @admin.display(description="message")
    def message_shown(self, obj: Any) -> str:
        exists = Message.objects.filter(pk=obj.message_id).exists()
        return message_link(obj, exists=exists)
