"""What went over the wire, and how it stands."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from integrations import connections
from integrations.admin import downloads, trail_table
from integrations.admin.two_ways import TwoWaysFilter
from integrations.audit import Entry
from integrations.choices import MdnState, Operation, TransmissionStatus
from integrations.models import Transmission
from omnichannel.admin.base import (
    ActionVariant,
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
from omnichannel.exceptions import OmnichannelError

COLOURS = {
    TransmissionStatus.RECEIVED: "info",
    TransmissionStatus.WORKING: "info",
    TransmissionStatus.QUEUED: "info",
    TransmissionStatus.SENT: "info",
    TransmissionStatus.WAITING: "warning",
    TransmissionStatus.DONE: "success",
    TransmissionStatus.ERROR: "danger",
    TransmissionStatus.DUPLICATE: "warning",
}
RECEIPTS = {
    MdnState.PROCESSED: "success",
    MdnState.PENDING: "info",
    MdnState.WARNING: "warning",
    MdnState.FAILED: "danger",
    MdnState.UNVERIFIED: "danger",
}
PROCESS_DIALOG = {
    "title": "Process what waits?",
    "description": "Everything of this mailbox that waited while its integration was off, in the "
    "order in which it came. The integration must be on.",
    "form_submit_text": "Process now",
}


class WayFilter(TwoWaysFilter):
    title = "way"
    parameter_name = "way"
    ways = {
        "from": ("From the partner", Q(is_incoming=True)),
        "to": ("To the partner", Q(is_incoming=False)),
    }


@admin.register(Transmission)
class TransmissionAdmin(ReadOnly, StudioAdmin):
    list_display = ("created", "filename", "way", "mailbox", "by", "size", "state", "told")
    list_display_links = ("filename",)
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("integration__mailbox", RelatedDropdownFilter),
        ("protocol", ChoicesDropdownFilter),
        WayFilter,
        ("mdn_state", ChoicesDropdownFilter),
        ("created_at", MomentRangeFilter),
    )
    list_select_related = ("integration__mailbox", "blob")
    search_fields = ("filename",)
    search_help_text = "The beginning of a file name, a message ID, or a code of an error"
    paginator = CappedPaginator
    ordering = ("-id",)
    sortable_by = ("created",)
    actions_detail = ("process_now",)
    change_form_outer_after_template = "admin/integrations/trail.html"
    empty_hint = (
        "Nothing was transferred yet. A file that a partner puts into coutbox, or posts by AS2, "
        "appears here at once, and so does what is sent to a partner."
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("state_now", "created_at", "done_at"),
                    ("error_code", "error_text"),
                    ("attempts", "next_attempt_at"),
                )
            },
        ),
        (
            "Document",
            {"fields": ("document", ("way", "mailbox"), ("by", "folder"), ("size", "sha256"))},
        ),
        ("Became", {"fields": ("made", "log", "repeats")}),
        (
            "Peer",
            {"fields": (("peer", "peer_ip"), ("message_id", "security"), "attributes_shown")},
        ),
        (
            "Receipt",
            {"fields": (("mdn_now", "disposition"), ("mic", "mdn_due_at"), "mdn_document")},
        ),
    )
    readonly_fields = (
        *("state_now", "document", "way", "mailbox", "by", "size", "sha256", "made", "log"),
        *("attributes_shown", "mdn_now", "mdn_document"),
    )

    class Media:
        css = {"all": ("studio/integrations.css",)}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path(
                "<int:pk>/<str:part>/download/",
                view(self.download),
                name="integrations_transmission_download",
            ),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transmission]:
        rows = super().get_queryset(request).annotate(may_download=downloads.allowed(request))
        return rows.defer("headers", "mdn_headers")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Transmission], search_term: str
    ) -> tuple[QuerySet[Transmission], bool]:
        term = search_term.replace("\0", "").strip()
        if not term:
            return queryset, False
        for exact in ("message_id", "error_code"):
            found = queryset.filter(**{exact: term})
            if found.exists():
                return found, False
        return queryset.filter(filename__startswith=term), False

    def get_fieldsets(self, request: HttpRequest, obj: Transmission | None = None) -> Any:
        if obj is None:
            return super().get_fieldsets(request, obj)
        return filled(super().get_fieldsets(request, obj), lambda name: self._value(obj, name))

    def _value(self, obj: Transmission, name: str) -> Any:
        own = getattr(self, name, None)
        value = own(obj) if callable(own) else getattr(obj, name)
        return None if value == "-" else value

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        entries = trail_table.of_transmission(row_id(object_id))
        extra = {**(kwargs.pop("extra_context", None) or {}), **trail_table.context(entries)}
        return super().change_view(request, object_id, *args, extra_context=extra, **kwargs)

    def download(self, request: HttpRequest, pk: int, part: str) -> HttpResponseBase:
        row = get_object_or_404(Transmission.objects.select_related("blob", "mdn"), pk=pk)
        blob, name = (
            (row.mdn, f"receipt-{row.pk}.txt") if part == "mdn" else (row.blob, row.filename)
        )
        entry = Entry(
            Operation.DOWNLOADED,
            name,
            mailbox=row.integration.mailbox_id,
            transmission=row.pk,
        )
        return downloads.send(request, blob, name, entry, row.get_absolute_url())

    def has_process_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        if not request.user.has_perm("integrations.change_transmission"):
            return False
        if request.method == "POST" or not object_id:
            return True
        waiting = Transmission.objects.filter(status=TransmissionStatus.WAITING)
        return waiting.filter(pk=row_id(object_id)).exists()

    @action(
        description="Process now",
        icon="play_arrow",
        permissions=["process"],
        variant=ActionVariant.PRIMARY,
        dialog=PROCESS_DIALOG,
    )
    def process_now(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        row = get_object_or_404(Transmission, pk=row_id(object_id))
        try:
            count = connections.process_now(row.integration, by=request.user, at=timezone.now())
        except OmnichannelError as error:
            return self.refuse(request, error, row.get_absolute_url())
        told = f"{count:,} of {row.integration.mailbox} are processed now."
        return self.done(request, told, row.get_absolute_url())

    @display(description="when", ordering="id")
    def created(self, obj: Transmission) -> Any:
        return obj.created_at

    @display(description="way")
    def way(self, obj: Transmission) -> str:
        return "From the partner" if obj.is_incoming else "To the partner"

    @display(description="mailbox")
    def mailbox(self, obj: Transmission) -> str:
        return obj.integration.mailbox.name

    @display(description="by")
    def by(self, obj: Transmission) -> str:
        return obj.get_protocol_display()

    @display(description="size")
    def size(self, obj: Transmission) -> str:
        return filesizeformat(obj.blob.size)

    @admin.display(description="SHA-256")
    def sha256(self, obj: Transmission) -> str:
        return format_html('<code class="integration-uuid">{}</code>', obj.blob.sha256)

    @display(description="status", label=COLOURS)
    def state(self, obj: Transmission) -> tuple[str, str]:
        return obj.status, obj.get_status_display()

    @admin.display(description="status")
    def state_now(self, obj: Transmission) -> str:
        return badge(COLOURS[TransmissionStatus(obj.status)], obj.get_status_display())

    @display(description="error", empty_value="-")
    def told(self, obj: Transmission) -> str | None:
        if not obj.error_text:
            return None
        return format_html('<span class="one-line" title="{0}">{0}</span>', obj.error_text)

    @admin.display(description="document")
    def document(self, obj: Any) -> str:
        view = "integrations_transmission_download"
        return downloads.link(obj.may_download, obj.blob, obj.filename, view, obj.pk, "document")

    @admin.display(description="receipt")
    def mdn_document(self, obj: Any) -> str:
        view = "integrations_transmission_download"
        return downloads.link(obj.may_download, obj.mdn, "Download", view, obj.pk, "mdn")

    @admin.display(description="receipt (MDN)")
    def mdn_now(self, obj: Transmission) -> str:
        if obj.mdn_state == MdnState.NONE:
            return "-"
        return badge(RECEIPTS[MdnState(obj.mdn_state)], obj.get_mdn_state_display())

    @admin.display(description="envelopes")
    def made(self, obj: Transmission) -> str:
        rows = list(obj.envelopes.all()[:50])
        if obj.delivery:
            rows += [obj.delivery.envelope]
        links = [(row.get_absolute_url(), row) for row in rows]
        return format_html_join(", ", '<a class="text-link" href="{}">{}</a>', links) or "-"

    @admin.display(description="conversion log")
    def log(self, obj: Transmission) -> str:
        links = [
            (reverse("admin:integrations_conversionlog_change", args=[row.pk]), row)
            for row in obj.logs.all()[:20]
        ]
        return format_html_join(", ", '<a class="text-link" href="{}">{}</a>', links) or "-"

    @admin.display(description="attributes")
    def attributes_shown(self, obj: Transmission) -> str:
        if not obj.attributes:
            return "-"
        text = json.dumps(obj.attributes, indent=2, ensure_ascii=False)
        return format_html('<pre class="integration-code">{}</pre>', text)
