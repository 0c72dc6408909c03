"""The pages of an import: upload, preview and mapping, progress, summary."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.contrib.admin.options import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from campaigns import audience_import, uploading
from campaigns.admin.import_forms import MappingForm, UploadForm, WritingForm
from campaigns.choices import ImportStatus
from campaigns.import_preview import preview
from campaigns.import_rejects import read_rejects
from campaigns.import_run import rejects_path
from campaigns.import_summary import headline, percent, rows_per_second
from campaigns.models import Audience, AudienceImport
from campaigns.sample import SAMPLE
from omnichannel.admin.base import row_id
from omnichannel.exceptions import ImportRefused, OmnichannelError

TEMPLATES = "admin/campaigns"


class ImportPages(ModelAdmin):
    """The custom views of the admin of imports. Each checks its permission itself."""

    def get_urls(self) -> list[URLPattern]:
        pages: dict[str, Callable[..., HttpResponseBase]] = {
            "upload/": self.upload_view,
            "sample/": self.sample_view,
            "<int:pk>/map/": self.map_view,
            "<int:pk>/progress/": self.progress_view,
            "<int:pk>/cancel/": self.cancel_view,
            "<int:pk>/discard/": self.discard_view,
            "<int:pk>/rejects/": self.rejects_view,
        }
        own = [
            path(
                route,
                self.admin_site.admin_view(view),
                name=f"campaigns_audienceimport_{route.strip('/').rpartition('/')[2]}",
            )
            for route, view in pages.items()
        ]
        return own + super().get_urls()

    def upload_view(self, request: HttpRequest) -> HttpResponse:
        self._may_import(request)
        audience = None
        if wanted := request.GET.get("audience"):
            audience = get_object_or_404(Audience, pk=row_id(wanted))
        form = UploadForm(request.POST or None, request.FILES or None, audience=audience)
        if request.method == "POST" and form.is_valid():
            try:
                row = self._take_in(request, form, audience)
                return redirect("admin:campaigns_audienceimport_map", row.pk)
            except ImportRefused as error:
                form.add_error("file", str(error))
        title = f"Import into {audience}" if audience else "Import an audience"
        return self._page(request, "audience_upload.html", title, form=form, audience=audience)

    def _take_in(
        self, request: HttpRequest, form: UploadForm, audience: Audience | None
    ) -> AudienceImport:
        upload = form.cleaned_data["file"]
        row = uploading.examine(upload)
        with uploading.dropped_unless_kept(row):
            name = form.cleaned_data.get("name", "")
            return uploading.keep(row, audience, name=name, by=request.user.pk)

    def map_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._may_import(request)
        row = self._get(pk)
        if row.status != ImportStatus.UPLOADED:
            return redirect("admin:campaigns_audienceimport_change", pk)
        if request.method == "POST" and "reread" in request.POST:
            return self._reread(request, row)
        seen, problem = None, ""
        try:
            seen = preview(row)
        except ImportRefused as error:
            problem = str(error)
        form = MappingForm(seen, request.POST or None) if seen else None
        if form and row.encoding and form.is_valid() and self._start(request, row, form):
            return redirect("admin:campaigns_audienceimport_change", pk)
        names = ("encoding", "delimiter", "has_header")
        writing = WritingForm(initial={name: getattr(row, name) for name in names})
        values = {
            "row": row,
            "preview": seen,
            "problem": problem,
            "form": form,
            "writing": writing,
            "columns": form.columns() if form else [],
        }
        return self._page(request, "audience_map.html", f"Import {row.original_name}", **values)

    def _reread(self, request: HttpRequest, row: AudienceImport) -> HttpResponse:
        form = WritingForm(request.POST)
        if form.is_valid():
            waiting = AudienceImport.objects.filter(pk=row.pk, status=ImportStatus.UPLOADED)
            waiting.update(**form.cleaned_data)
        else:
            messages.error(request, "Choose the encoding of the file.")
        return redirect("admin:campaigns_audienceimport_map", row.pk)

    def _start(self, request: HttpRequest, row: AudienceImport, form: MappingForm) -> bool:
        data = form.cleaned_data
        row.mapping = data["mapping"].as_json()
        row.headers = form.preview.names
        row.mode, row.default_region = data["mode"], data["default_region"]
        try:
            audience_import.submit(row)
        except OmnichannelError as error:
            form.add_error(None, str(error))
            return False
        return True

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        self._may_view(request)
        row = self._get(row_id(object_id))
        if row.status == ImportStatus.UPLOADED and self._can_import(request):
            return redirect("admin:campaigns_audienceimport_map", row.pk)
        values = {"row": row, **self._progress(request, row)}
        return self._page(
            request, "audience_import.html", f"Import of {row.original_name}", **values
        )

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._may_view(request)
        row = self._get(pk)
        values = {"row": row, **self._progress(request, row)}
        return render(request, f"{TEMPLATES}/audience_progress.html", values)

    def _progress(self, request: HttpRequest, row: AudienceImport) -> dict[str, Any]:
        return {
            "headline": headline(row),
            "percent": percent(row),
            "rate": round(rows_per_second(row)),
            "is_active": row.status in ImportStatus.active(),
            "has_rejects": bool(row.checkpoint.get("rejects")),
            "can_import": self._can_import(request),
        }

    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = self._to_change(request, pk)
        try:
            audience_import.cancel(row, at=timezone.now())
        except OmnichannelError as error:
            messages.error(request, str(error))
        return redirect("admin:campaigns_audienceimport_change", pk)

    def discard_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = self._to_change(request, pk)
        try:
            audience_import.discard(row)
        except OmnichannelError as error:
            messages.error(request, str(error))
            return redirect("admin:campaigns_audienceimport_change", pk)
        messages.success(request, f"{row.original_name} was not imported.")
        return redirect("admin:campaigns_audience_changelist")

    def rejects_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        self._may_view(request)
        row = self._get(pk)
        size = row.checkpoint.get("rejects", 0)
        if not size or not rejects_path(row).exists():
            raise Http404("This import has no rejected rows.")
        parts = read_rejects(rejects_path(row), size)
        return _attachment(parts, f"rejected-rows-{row.pk}.csv")

    def sample_view(self, request: HttpRequest) -> HttpResponseBase:
        self._may_import(request)
        return _attachment([SAMPLE.encode()], "sample-audience.csv")

    def _to_change(self, request: HttpRequest, pk: int) -> AudienceImport:
        self._may_import(request)
        if request.method != "POST":
            raise Http404("This address takes a form only.")
        return self._get(pk)

    def _get(self, pk: int) -> AudienceImport:
        return get_object_or_404(AudienceImport.objects.select_related("audience"), pk=pk)

    def _can_import(self, request: HttpRequest) -> bool:
        return request.user.has_perm("campaigns.import_audience")

    def _may_import(self, request: HttpRequest) -> None:
        if not self._can_import(request):
            raise PermissionDenied

    def _may_view(self, request: HttpRequest) -> None:
        if not (self.has_view_permission(request) or self._can_import(request)):
            raise PermissionDenied

    def _page(
        self, request: HttpRequest, template: str, title: str, **values: Any
    ) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "is_popup": False,
            **values,
        }
        return TemplateResponse(request, f"{TEMPLATES}/{template}", context)


def _attachment(parts: Iterable[bytes], name: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        parts,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
