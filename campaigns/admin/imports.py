"""Imports: their list, and the pages that lead a file from the upload to its summary."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from campaigns.admin.import_pages import ImportPages
from campaigns.choices import ImportStatus
from campaigns.import_run import drop_file, rejects_path
from campaigns.import_summary import percent
from campaigns.models import AudienceImport
from omnichannel.admin.base import StudioAdmin, display


@admin.register(AudienceImport)
class AudienceImportAdmin(ImportPages, StudioAdmin):
    list_display = (
        "file_name",
        "audience",
        "state",
        "progress",
        "rows_done",
        "rejected",
        "created_at",
    )
    list_filter = ("status", "mode")
    list_select_related = ("audience",)
    search_fields = ("original_name", "audience__name")
    list_display_links = ("file_name",)
    empty_hint = "Choose Import on the page of audiences to bring in a file."

    @display(description="File", ordering="original_name")
    def file_name(self, row: AudienceImport) -> str:
        return row.original_name

    @display(
        description="Status",
        ordering="status",
        label={
            ImportStatus.UPLOADED.label: "warning",
            ImportStatus.QUEUED.label: "info",
            ImportStatus.RUNNING.label: "info",
            ImportStatus.FINISHED.label: "success",
            ImportStatus.FAILED.label: "danger",
        },
    )
    def state(self, row: AudienceImport) -> str:
        return row.get_status_display()

    @display(description="Read")
    def progress(self, row: AudienceImport) -> str:
        return f"{percent(row)} %"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: AudienceImport) -> None:
        drop_file(obj)
        rejects_path(obj).unlink(missing_ok=True)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[AudienceImport]) -> None:
        for row in queryset:
            self.delete_model(request, row)
