"""Bringing a table of addresses in and taking one out, from the list of what it fills."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from omnichannel.admin.base import StudioAdmin, UnfoldAdminFileFieldWidget, action
from omnichannel.admin.log import note
from omnichannel.exceptions import ImportRefused
from omnichannel.resources import csv_parts, newest_first, workbook
from omnichannel.tables import MAX_ROWS, Report

MAX_WORKBOOK = 100_000  # rows
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class TableForm(forms.Form):
    """The file. A child adds what a row that does not say it is taken to mean."""

    file = forms.FileField(
        label="File",
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
        allow_empty_file=True,
        help_text="CSV in any encoding, or an Excel workbook (.xlsx, its first sheet); "
        f"at most {MAX_ROWS:,} rows.",
    )
    field_order: tuple[str, ...] = ("file",)


class TablePages(StudioAdmin):
    """Import and export. Permissions: `import_<model>` and `export_<model>`."""

    table_form = TableForm
    table_columns: tuple[str, ...] = ()
    table_sample = ""
    table_hint = ""
    actions_list: tuple[str, ...] = ("import_table", "export_table")
    actions: tuple[str, ...] = ("export_csv", "export_workbook")

    def take_table(self, data: dict[str, Any]) -> Report:
        """Keep the file of a valid form. Raises ImportRefused."""
        raise NotImplementedError

    def resource(self) -> Any:
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        wrap = self.admin_site.admin_view
        return [
            path("import/", wrap(self.import_view), name=f"{name}_import"),
            path("import/sample/", wrap(self.sample_view), name=f"{name}_sample"),
            *super().get_urls(),
        ]

    def has_import_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._may(request, "import")

    def has_export_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._may(request, "export")

    def _may(self, request: HttpRequest, what: str) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.{what}_{self.opts.model_name}")

    def import_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_import_permission(request):
            raise PermissionDenied
        form = self.table_form(request.POST or None, request.FILES or None)
        report = None
        if request.method == "POST" and form.is_valid():
            try:
                report = self.take_table(form.cleaned_data)
            except ImportRefused as error:
                form.add_error("file", str(error))
            else:
                file = form.cleaned_data["file"].name[:120]
                told = f"Imported {file}: {report.kept:,} of {report.rows:,} rows kept."
                note(request, self.model, file, told)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Import {self.opts.verbose_name_plural}",
            "form": form,
            "report": report,
            "columns": self.table_columns,
            "hint": self.table_hint,
            "sample_url": f"admin:{self.opts.app_label}_{self.opts.model_name}_sample",
            "list_url": f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist",
        }
        return TemplateResponse(request, "admin/omnichannel/table_import.html", context)

    def sample_view(self, request: HttpRequest) -> HttpResponseBase:
        if not self.has_import_permission(request):
            raise PermissionDenied
        return self._file([self.table_sample.encode()], "text/csv; charset=utf-8", "sample.csv")

    @action(description="Import", icon="upload_file", permissions=["import"])
    def import_table(self, request: HttpRequest) -> HttpResponse:
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_import")

    @action(description="Export", icon="download", permissions=["export"])
    def export_table(self, request: HttpRequest) -> HttpResponseBase:
        return self.export_csv(request, self.model._default_manager.all())

    @admin.action(description="Export as CSV", permissions=["export"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase:
        note(request, self.model, "CSV", "Exported as CSV.")
        parts = csv_parts(self.resource(), newest_first(queryset))
        return self._file(parts, "text/csv; charset=utf-8", f"{self._noun()}.csv")

    @admin.action(description="Export as Excel workbook", permissions=["export"])
    def export_workbook(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> HttpResponseBase | None:
        if queryset.order_by()[: MAX_WORKBOOK + 1].count() > MAX_WORKBOOK:
            messages.error(
                request, f"A workbook can have {MAX_WORKBOOK:,} rows: export as CSV instead."
            )
            return None
        note(request, self.model, "workbook", "Exported as Excel workbook.")
        made = workbook(self.resource(), newest_first(queryset))
        return self._file([made], EXCEL, f"{self._noun()}.xlsx")

    def _noun(self) -> str:
        return f"{self.opts.model_name}s"

    def _file(self, parts: Any, kind: str, name: str) -> StreamingHttpResponse:
        head = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingHttpResponse(parts, content_type=kind, headers=head)
