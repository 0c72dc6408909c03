"""Audiences: the list and the page of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import slugify

from campaigns.models import Audience, AudienceImport
from campaigns.removal import ask_removal, why_kept
from campaigns.resources import export_lines
from omnichannel.admin.base import StudioAdmin, TabularInline, action, display, row_id


class ImportInline(TabularInline):
    model = AudienceImport
    fields = ("file_link", "status", "rows_done", "added", "updated", "rejected", "created_at")
    readonly_fields = fields
    extra = 0
    per_page = 10
    can_delete = False
    hide_title = True
    verbose_name_plural = "imports"

    @display(description="File")
    def file_link(self, row: AudienceImport) -> str:
        url = reverse("admin:campaigns_audienceimport_change", args=[row.pk])
        return format_html('<a class="import-link" href="{}">{}</a>', url, row.original_name)

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Audience)
class AudienceAdmin(StudioAdmin):
    list_display = ("name", "labels", "records", "column_names", "is_active", "updated_at")
    list_filter = ("is_active", "tags")
    search_fields = ("name", "description")
    autocomplete_fields = ("tags",)
    readonly_fields = ("records", "column_names", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("name", "description", "tags", "is_active")}),
        ("Records", {"fields": ("records", "column_names", "created_at", "updated_at")}),
    )
    add_fieldsets = ((None, {"fields": ("name", "description", "tags", "is_active")}),)
    inlines = (ImportInline,)
    actions_list = ("import_new", "sample")
    actions_detail = ("open_members", "import_into", "export")
    empty_hint = "Choose Import to bring in a CSV file or an Excel workbook."

    class Media:
        css = {"all": ("studio/import.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Audience]:
        rows = super().get_queryset(request).filter(removal_asked_at__isnull=True)
        return rows.prefetch_related("tags")

    def get_inlines(self, request: HttpRequest, obj: Audience | None) -> tuple[Any, ...]:
        return self.inlines if obj else ()

    @display(description="Tags")
    def labels(self, row: Audience) -> str:
        return ", ".join(tag.name for tag in row.tags.all()) or "-"

    @display(description="Records", ordering="records_count")
    def records(self, row: Audience) -> str:
        return f"{row.records_count:,}"

    @display(description="Columns")
    def column_names(self, row: Audience) -> str:
        shown = ", ".join(row.columns[:8])
        return f"{shown} and {len(row.columns) - 8} more" if len(row.columns) > 8 else shown or "-"

    @action(description="Import", icon="upload_file", permissions=["campaigns.import_audience"])
    def import_new(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:campaigns_audienceimport_upload")

    @action(
        description="Download sample CSV",
        icon="download",
        permissions=["campaigns.import_audience"],
    )
    def sample(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:campaigns_audienceimport_sample")

    @action(description="Records", icon="contacts", permissions=["campaigns.view_audiencemember"])
    def open_members(self, request: HttpRequest, object_id: str) -> HttpResponse:
        url = reverse("admin:campaigns_audiencemember_changelist")
        return redirect(f"{url}?audience__id__exact={row_id(object_id)}")

    @action(description="Import", icon="upload_file", permissions=["campaigns.import_audience"])
    def import_into(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect(f"{reverse('admin:campaigns_audienceimport_upload')}?audience={object_id}")

    @action(description="Export", icon="download", permissions=["campaigns.export_audience"])
    def export(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        audience = get_object_or_404(Audience, pk=row_id(object_id))
        name = f"{slugify(audience.name) or 'audience'}.csv"
        return StreamingHttpResponse(
            export_lines(audience),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def get_deleted_objects(
        self, objs: Iterable[Audience], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """What goes, counted and not collected: an audience may have a million records."""
        rows = list(objs)
        listed = [f"Audience {row} with {row.records_count:,} records" for row in rows]
        counts = {"audiences": len(rows), "records": sum(row.records_count for row in rows)}
        needed = set() if self.has_delete_permission(request) else {"audience"}
        return listed, counts, needed, [text for row in rows if (text := why_kept(row))]

    def delete_model(self, request: HttpRequest, obj: Audience) -> None:
        count = obj.records_count
        if not ask_removal(obj, at=timezone.now()):
            self.message_user(
                request, f"The {count:,} records of {obj} are being deleted in the background."
            )

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Audience]) -> None:
        for audience in queryset:
            self.delete_model(request, audience)
