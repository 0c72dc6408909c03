"""Envelopes: what they hold, where they went, and what is done with them by hand."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.html import format_html

from integrations.admin import downloads, trail_table
from integrations.admin.compose import ComposePage
from integrations.admin.envelope_steps import EnvelopeSteps
from integrations.audit import Entry
from integrations.choices import DeliveryStatus, EnvelopeStatus, Operation
from integrations.models import Envelope, EnvelopeDelivery, EnvelopeDocument, Transmission
from omnichannel.admin.base import (
    ChoicesDropdownFilter,
    RelatedDropdownFilter,
    StudioAdmin,
    badge,
    display,
    row_id,
)
from omnichannel.admin.events import ReadOnly
from omnichannel.admin.filled import filled
from omnichannel.admin.moments import MomentRangeFilter
from omnichannel.admin.paginator import CappedPaginator

COLOURS = {
    EnvelopeStatus.DRAFT: "default",
    EnvelopeStatus.SENT: "info",
    EnvelopeStatus.WAITING: "warning",
    EnvelopeStatus.COMPLETED: "success",
    EnvelopeStatus.CANCELLED: "danger",
    EnvelopeStatus.EXPIRED: "danger",
}
DELIVERY_COLOURS = {
    **dict.fromkeys(DeliveryStatus.values, "info"),
    DeliveryStatus.WAITING: "warning",
    DeliveryStatus.CONVERTED: "success",
    DeliveryStatus.COPIED: "success",
    DeliveryStatus.NOTIFIED: "success",
    DeliveryStatus.SEEN: "success",
    DeliveryStatus.REJECTED: "danger",
    DeliveryStatus.FAILED: "danger",
}


@admin.register(Envelope)
class EnvelopeAdmin(EnvelopeSteps, ComposePage, ReadOnly, StudioAdmin):
    list_display = ("created", "subject_told", "sender", "recipients", "state", "template")
    list_display_links = ("subject_told",)
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("sender", RelatedDropdownFilter),
        ("deliveries__mailbox", RelatedDropdownFilter),
        ("deliveries__status", ChoicesDropdownFilter),
        ("created_at", MomentRangeFilter),
    )
    list_select_related = ("sender", "template_version__template")
    search_fields = ("subject",)
    search_help_text = "Part of a subject, or a UUID"
    paginator = CappedPaginator
    ordering = ("-id",)
    sortable_by = ("created",)
    actions_list = ("compose",)
    change_form_outer_after_template = "admin/integrations/envelope_parts.html"
    empty_hint = (
        "No envelope yet. A file that a partner sends becomes one; press New envelope to send "
        "documents from your house mailbox."
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("state_now", "created_at", "expires_at"),
                    "reject_reason",
                    "subject",
                    "message",
                    ("sender", "template"),
                    ("uuid", "chain_told"),
                    "source",
                )
            },
        ),
    )
    readonly_fields = ("state_now", "template", "uuid", "chain_told")

    class Media:
        css = {"all": ("studio/integrations.css",)}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path(
                "<int:pk>/document/<int:number>/",
                view(self.download),
                name="integrations_envelope_document",
            ),
            path(
                "<int:pk>/native/", view(self.download_native), name="integrations_envelope_native"
            ),
        ]
        return own + super().get_urls()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Envelope]:
        rows = super().get_queryset(request)
        return rows.prefetch_related("deliveries__mailbox").defer("fields", "tables", "message")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Envelope], search_term: str
    ) -> tuple[QuerySet[Envelope], bool]:
        term = search_term.replace("\0", "").strip()
        if not term:
            return queryset, False
        try:
            key = uuid.UUID(term)
        except ValueError:
            return queryset.filter(subject__icontains=term), False
        return queryset.filter(Q(key=key) | Q(chain=key)), False

    def get_fieldsets(self, request: HttpRequest, obj: Envelope | None = None) -> Any:
        if obj is None:
            return super().get_fieldsets(request, obj)
        return filled(super().get_fieldsets(request, obj), lambda name: self._value(obj, name))

    def _value(self, obj: Envelope, name: str) -> Any:
        own = getattr(self, name, None)
        return own(obj) if callable(own) else getattr(obj, name)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        pk = row_id(object_id)
        extra = {
            **(kwargs.pop("extra_context", None) or {}),
            **trail_table.context(trail_table.of_envelope(pk)),
            **self._parts(request, pk),
        }
        return super().change_view(request, object_id, *args, extra_context=extra, **kwargs)

    def _parts(self, request: HttpRequest, pk: int) -> dict[str, Any]:
        documents = EnvelopeDocument.objects.filter(envelope=pk).select_related("blob")
        deliveries = EnvelopeDelivery.objects.filter(envelope=pk).select_related("mailbox")
        files = Transmission.objects.filter(Q(envelopes=pk) | Q(delivery__envelope=pk))
        return {
            "documents": documents,
            "deliveries": [
                (row, DELIVERY_COLOURS[row.status]) for row in deliveries.order_by("pk")
            ],
            "files": files.select_related("blob", "integration__mailbox").order_by("pk")[:200],
            "may_download": downloads.may(request),
        }

    def download(self, request: HttpRequest, pk: int, number: int) -> HttpResponseBase:
        rows = EnvelopeDocument.objects.select_related("blob", "envelope")
        row = get_object_or_404(rows, envelope=row_id(pk), number=number)
        entry = Entry(Operation.DOWNLOADED, row.name, envelope=pk, mailbox=row.envelope.sender_id)
        back = row.envelope.get_absolute_url()
        return downloads.send(request, row.blob, row.name, entry, back)

    def download_native(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        row = get_object_or_404(Envelope.objects.select_related("native"), pk=pk)
        name = f"envelope-{row.key}.xml"
        entry = Entry(Operation.DOWNLOADED, name, envelope=pk, mailbox=row.sender_id)
        return downloads.send(request, row.native, name, entry, row.get_absolute_url())

    @display(description="when", ordering="id")
    def created(self, obj: Envelope) -> Any:
        return obj.created_at

    @display(description="subject")
    def subject_told(self, obj: Envelope) -> str:
        return format_html('<span class="one-line" title="{0}">{0}</span>', str(obj))

    @display(description="to")
    def recipients(self, obj: Envelope) -> str:
        names = [row.mailbox.name for row in list(obj.deliveries.all())[:3]]
        more = obj.deliveries.all()[3:]
        return ", ".join(names) + (f" and {len(more)} more" if more else "")

    @display(description="status", label=COLOURS)
    def state(self, obj: Envelope) -> tuple[str, str]:
        return obj.status, obj.get_status_display()

    @admin.display(description="status")
    def state_now(self, obj: Envelope) -> str:
        return badge(COLOURS[EnvelopeStatus(obj.status)], obj.get_status_display())

    @display(description="template", empty_value="-")
    def template(self, obj: Envelope) -> str | None:
        return str(obj.template_version) if obj.template_version else None

    @admin.display(description="UUID")
    def uuid(self, obj: Envelope) -> str:
        return format_html('<code class="integration-uuid">{}</code>', obj.key)

    @admin.display(description="chain")
    def chain_told(self, obj: Envelope) -> str:
        return format_html('<code class="integration-uuid">{}</code>', obj.chain)
