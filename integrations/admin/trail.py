"""The audit trail: read, and never written from here."""

from __future__ import annotations

import itertools
import json
import uuid
from ipaddress import ip_address
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join

from integrations import audit
from integrations.choices import Operation
from integrations.models import Envelope, EnvelopeEvent, Mailbox
from omnichannel.admin.base import (
    ChoicesDropdownFilter,
    DropdownFilter,
    StudioAdmin,
    action,
    display,
)
from omnichannel.admin.events import ReadOnly
from omnichannel.admin.moments import MomentRangeFilter
from omnichannel.admin.paginator import CappedPaginator

COLOURS = {
    **dict.fromkeys(Operation.values, "info"),
    Operation.FAILED: "danger",
    Operation.REJECTED: "danger",
    Operation.LOCKED_OUT: "danger",
    Operation.DELETED: "danger",
    Operation.CANCELLED: "warning",
    Operation.EXPIRED: "warning",
    Operation.SWITCHED_OFF: "warning",
    Operation.PASSWORD: "warning",
    Operation.HOST_KEY: "warning",
    Operation.COMPLETED: "success",
    Operation.CONVERTED: "success",
    Operation.SWITCHED_ON: "success",
}
MOST_FAULTS = 20
# Where the pages of what an entry is about are.
PLACES = (
    ("envelope_id", "Envelope", "envelope"),
    ("transmission_id", "Transmission", "transmission"),
    ("rule_id", "Rule", "conversionrule"),
    ("mailbox_id", "Mailbox", "mailbox"),
)


class MailboxFilter(DropdownFilter):
    """An entry knows its mailbox by number only: it stays when that is gone."""

    title = "mailbox"
    parameter_name = "mailbox_id"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Mailbox.objects.values_list("pk", "name")[:500]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        return queryset.filter(mailbox_id=int(value)) if value.isdecimal() else queryset


@admin.register(EnvelopeEvent)
class TrailAdmin(ReadOnly, StudioAdmin):
    list_display = ("number", "at", "what", "actor", "told", "about", "ip")
    list_display_links = ("number",)
    list_filter = (
        ("operation", ChoicesDropdownFilter),
        MailboxFilter,
        ("at", MomentRangeFilter),
    )
    search_fields = ("actor",)
    search_help_text = "A user, a login, an IP address, or the UUID of an envelope"
    paginator = CappedPaginator
    ordering = ("-number",)
    sortable_by = ("number",)
    empty_hint = (
        "Nothing happened yet. Every document, every step of it and every change of an "
        "integration appears here; entries are never changed or deleted."
    )
    actions_list = ("check_chain",)
    fieldsets = (
        (None, {"fields": (("number", "at"), ("what_now", "actor"), "told", "about")}),
        ("From where", {"fields": (("ip", "agent"),)}),
        ("Details", {"fields": ("details", "digest")}),
    )
    readonly_fields = ("what_now", "told", "about", "details")

    class Media:
        css = {"all": ("studio/integrations.css",)}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.check_view)
        return [path("check/", view, name="integrations_trail_check"), *super().get_urls()]

    @action(description="Check the chain", icon="verified", permissions=["view"])
    def check_chain(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:integrations_trail_check")

    def check_view(self, request: HttpRequest) -> HttpResponse:
        """Reads all entries: some seconds for a million of them."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = list(itertools.islice(audit.faults(), MOST_FAULTS))
        for text in found:
            messages.error(request, text)
        if not found:
            count = EnvelopeEvent.objects.count()
            messages.success(request, f"The chain is whole: {count:,} entries.")
        return redirect("admin:integrations_envelopeevent_changelist")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[EnvelopeEvent], search_term: str
    ) -> tuple[QuerySet[EnvelopeEvent], bool]:
        term = search_term.replace("\0", "").strip()
        if not term:
            return queryset, False
        try:
            key = uuid.UUID(term)
        except ValueError:
            return queryset.filter(_by_whom(term)), False
        found = Envelope.objects.filter(key=key).values("pk")
        return queryset.filter(Q(envelope_id__in=found) | Q(actor=str(key))), False

    @display(description="what", label=COLOURS)
    def what(self, obj: EnvelopeEvent) -> tuple[str, str]:
        return obj.operation, obj.get_operation_display()

    @admin.display(description="what")
    def what_now(self, obj: EnvelopeEvent) -> str:
        return obj.get_operation_display()

    @display(description="told")
    def told(self, obj: EnvelopeEvent) -> str:
        return format_html('<span class="one-line" title="{0}">{0}</span>', obj.text)

    @display(description="about")
    def about(self, obj: EnvelopeEvent) -> str:
        return about(obj)

    @admin.display(description="details")
    def details(self, obj: EnvelopeEvent) -> str:
        text = json.dumps(obj.detail, indent=2, ensure_ascii=False)
        return format_html('<pre class="integration-code">{}</pre>', text)


def about(entry: EnvelopeEvent) -> str:
    """Links to what the entry names; a page of what is gone says so itself."""
    found = [
        (reverse(f"admin:integrations_{noun}_change", args=[pk]), word, pk)
        for column, word, noun in PLACES
        if (pk := getattr(entry, column))
    ]
    return format_html_join(", ", '<a class="text-link" href="{}">{} {}</a>', found) or "-"


def _by_whom(term: str) -> Q:
    try:
        return Q(ip=str(ip_address(term)))
    except ValueError:
        return Q(actor__startswith=term)
