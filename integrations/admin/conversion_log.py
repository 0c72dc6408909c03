"""What became of each document, and doing it again."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html

from integrations import reprocessing
from integrations.admin import downloads
from integrations.admin.two_ways import TwoWaysFilter
from integrations.audit import Entry
from integrations.choices import LogStatus, Operation
from integrations.models import ConversionLog
from omnichannel.admin.base import (
    ChoicesDropdownFilter,
    RelatedDropdownFilter,
    StudioAdmin,
    action,
    badge,
    display,
    row_id,
)
from omnichannel.admin.events import ReadOnly
from omnichannel.admin.filled import filled
from omnichannel.admin.moments import MomentRangeFilter
from omnichannel.admin.paginator import CappedPaginator

COLOURS = {
    LogStatus.PROCESSED: "success",
    LogStatus.REPROCESSED: "info",
    LogStatus.FAILED: "danger",
}
SHOWN = 10  # reasons why something was not processed again
REPROCESS_DIALOG = {
    "title": "Process this document again?",
    "description": "The same document goes through today's rules once more. This line stays; a "
    "new one tells what became of it.",
    "form_submit_text": "Reprocess",
}


class NoRuleFilter(TwoWaysFilter):
    title = "rule applied"
    parameter_name = "ruled"
    ways = {"no": ("No rule", Q(rule=None)), "yes": ("A rule", ~Q(rule=None))}


@admin.register(ConversionLog)
class ConversionLogAdmin(ReadOnly, StudioAdmin):
    list_display = ("created", "filename", "mailbox", "rule_told", "envelope_told", "state", "told")
    list_display_links = ("filename",)
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("mailbox", RelatedDropdownFilter),
        ("rule", RelatedDropdownFilter),
        NoRuleFilter,
        ("created_at", MomentRangeFilter),
    )
    search_fields = ("filename",)
    search_help_text = "Part of a file name or of a subject, a UUID, or a code of an error"
    paginator = CappedPaginator
    ordering = ("-id",)
    sortable_by = ("created",)
    actions = ("reprocess_selected",)
    actions_detail = ("reprocess",)
    empty_hint = (
        "No document was converted yet. Each one leaves a line here: the rule that was applied, "
        "the envelope or file that it became, or why it failed."
    )
    fieldsets = (
        (None, {"fields": (("state_now", "created_at", "milliseconds"), ("mailbox", "rule_told"))}),
        ("Error", {"fields": ("error_code", "error_text", "place")}),
        (
            "Documents",
            {"fields": (("input_document", "output_document"), "envelope_told", "transmission")},
        ),
    )
    readonly_fields = (
        *("state_now", "rule_told", "envelope_told", "place"),
        *("input_document", "output_document"),
    )

    class Media:
        css = {"all": ("studio/integrations.css",)}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path(
                "<int:pk>/<str:part>/download/",
                view(self.download),
                name="integrations_conversionlog_download",
            ),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ConversionLog]:
        # Bodies of rules and fields of envelopes are on pages of their own.
        heavy = ("rule__body", "envelope__fields", "envelope__tables", "envelope__message")
        rows = super().get_queryset(request).select_related("mailbox", "rule", "envelope")
        return rows.defer(*heavy).annotate(may_download=downloads.allowed(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ConversionLog], search_term: str
    ) -> tuple[QuerySet[ConversionLog], bool]:
        term = search_term.replace("\0", "").strip()
        return (queryset.filter(_known_by(term)) if term else queryset), False

    def get_fieldsets(self, request: HttpRequest, obj: ConversionLog | None = None) -> Any:
        if obj is None:
            return super().get_fieldsets(request, obj)
        return filled(super().get_fieldsets(request, obj), lambda name: self._value(obj, name))

    def _value(self, obj: ConversionLog, name: str) -> Any:
        own = getattr(self, name, None)
        value = own(obj) if callable(own) else getattr(obj, name)
        return None if value == "-" else value

    def download(self, request: HttpRequest, pk: int, part: str) -> HttpResponseBase:
        row = get_object_or_404(ConversionLog.objects.select_related("input", "output"), pk=pk)
        is_output = part == "output"
        blob = row.output if is_output else row.input
        name = (row.output_name or f"output-{row.pk}") if is_output else row.filename
        entry = Entry(
            Operation.DOWNLOADED,
            name,
            mailbox=row.mailbox_id,
            envelope=row.envelope_id,
            transmission=row.transmission_id,
        )
        back = reverse("admin:integrations_conversionlog_change", args=[row.pk])
        return downloads.send(request, blob, name, entry, back)

    def has_reprocess_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("integrations.change_transmission")

    @action(
        description="Reprocess", icon="replay", permissions=["reprocess"], dialog=REPROCESS_DIALOG
    )
    def reprocess(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        row = get_object_or_404(ConversionLog, pk=row_id(object_id))
        url = reverse("admin:integrations_conversionlog_changelist")
        refused = reprocessing.logs([row], by=request.user, at=timezone.now())
        if refused:
            messages.error(request, refused[0])
            return self.go(url)
        return self.done(request, f"{row.filename} is processed again.", url)

    @admin.action(description="Reprocess", permissions=["reprocess"])
    def reprocess_selected(self, request: HttpRequest, queryset: QuerySet[ConversionLog]) -> None:
        rows = list(queryset.select_related("delivery", "transmission__integration"))
        refused = reprocessing.logs(rows, by=request.user, at=timezone.now())
        for text in refused[:SHOWN]:
            messages.error(request, text)
        if len(refused) < len(rows):
            told = f"{len(rows) - len(refused):,} documents are processed again."
            messages.success(request, told)

    @display(description="when", ordering="id")
    def created(self, obj: ConversionLog) -> Any:
        return obj.created_at

    @display(description="rule", empty_value="No rule")
    def rule_told(self, obj: ConversionLog) -> str | None:
        if obj.rule is None:
            return f"{obj.rule_name} (deleted)" if obj.rule_name else None
        url = obj.rule.get_absolute_url()
        return format_html('<a class="text-link" href="{}">{}</a>', url, obj.rule)

    @display(description="envelope", empty_value="-")
    def envelope_told(self, obj: ConversionLog) -> str | None:
        if obj.envelope is None:
            return None
        url = obj.envelope.get_absolute_url()
        return format_html('<a class="text-link" href="{}">{}</a>', url, obj.envelope)

    @display(description="status", label=COLOURS)
    def state(self, obj: ConversionLog) -> tuple[str, str]:
        return obj.status, obj.get_status_display()

    @admin.display(description="status")
    def state_now(self, obj: ConversionLog) -> str:
        return badge(COLOURS[LogStatus(obj.status)], obj.get_status_display())

    @display(description="error", empty_value="-")
    def told(self, obj: ConversionLog) -> str | None:
        if not obj.error_text:
            return None
        return format_html('<span class="one-line" title="{0}">{0}</span>', obj.error_text)

    @admin.display(description="where")
    def place(self, obj: ConversionLog) -> str:
        if not obj.line:
            return "-"
        return f"Line {obj.line}" + (f", column {obj.column}" if obj.column else "")

    @admin.display(description="document")
    def input_document(self, obj: Any) -> str:
        view = "integrations_conversionlog_download"
        return downloads.link(obj.may_download, obj.input, obj.filename, view, obj.pk, "input")

    @admin.display(description="became")
    def output_document(self, obj: Any) -> str:
        view = "integrations_conversionlog_download"
        name = obj.output_name or "Download"
        return downloads.link(obj.may_download, obj.output, name, view, obj.pk, "output")


def _known_by(term: str) -> Q:
    try:
        key = uuid.UUID(term)
    except ValueError:
        named = Q(filename__icontains=term) | Q(envelope__subject__icontains=term)
        return named | Q(error_code=term)
    return Q(envelope__key=key) | Q(transmission__key=key)
