"""Reports > Communication report: every message, filtered, and as a file."""

from __future__ import annotations

import datetime
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from omnichannel import report_rows, reports
from omnichannel.admin.base import StudioAdmin, badge
from omnichannel.admin.message_list import COLOURS
from omnichannel.admin.report_form import ReportForm, offers
from omnichannel.exceptions import TooSlow
from omnichannel.models import Message

EXPORT = "omnichannel.export_message"


class ReportPages(StudioAdmin):
    """Pages for everyone who may view messages; the file needs the right to export them."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        export = require_POST(self.report_export)
        return [
            path("report/", wrap(self.report_page), name="communication_report"),
            path("report/export/", wrap(export), name="communication_report_export"),
            *super().get_urls(),
        ]

    def report_page(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = ReportForm(request.GET, today=timezone.now().date())
        context = {
            **self.admin_site.each_context(request),
            "title": "Communication report",
            "form": form,
            "offers": offers(),
            "may_export": request.user.has_perm(EXPORT),
            **(_found(request, form) if form.is_valid() else {"is_invalid": True}),
        }
        return TemplateResponse(request, "admin/omnichannel/report.html", context)

    def report_export(self, request: HttpRequest) -> HttpResponseBase:
        if not (self.has_view_permission(request) and request.user.has_perm(EXPORT)):
            raise PermissionDenied
        form = ReportForm(request.GET, today=timezone.now().date())
        if not form.is_valid():
            query = request.GET.urlencode()
            return HttpResponseRedirect(f"{reverse('admin:communication_report')}?{query}")
        _log(request, f"Exported the communication report: {form.in_words()}"[:2000])
        name = _file_name(form, timezone.now())
        return StreamingHttpResponse(
            report_rows.csv_parts(form.wanted()),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _found(request: HttpRequest, form: ReportForm) -> dict[str, Any]:
    try:
        page = reports.page(form.wanted(), _cursor(request))
    except TooSlow as error:
        return {"trouble": str(error)}
    query = _query(form)
    return {
        "rows": [(row, _badge(row)) for row in report_rows.Names().rows(page.rows)],
        "query": query,
        "newest_url": f"?{query}",
        "older_url": _url(query, "before", page.older),
        "newer_url": _url(query, "after", page.newer),
        "further_url": _url(query, "before", page.searched_to),
        "searched_to": _written_at(page.searched_to),
        "is_first": page.newer is None,
    }


def _cursor(request: HttpRequest) -> reports.Cursor | None:
    for name in ("before", "after"):
        text = request.GET.get(name, "")
        if text.isascii() and text.isdigit() and len(text) < 19:
            return reports.Cursor(int(text), is_newer=name == "after")
    return None


def _query(form: ReportForm) -> str:
    """The filters as an address to keep: what is empty is left out, but for the first day."""
    names = [name for name in form.fields if form.data.get(name) or name == "since"]
    return urlencode([(name, form.data.get(name, "")) for name in names])


def _url(query: str, name: str, at: int | None) -> str:
    return "" if at is None else f"?{query}&{name}={at}"


def _written_at(pk: int | None) -> datetime.datetime | None:
    if pk is None:
        return None
    rows = Message.objects.filter(id__lte=pk).order_by("-id").values_list("created_at", flat=True)
    return rows.first()


def _badge(row: report_rows.Row) -> str:
    return badge(COLOURS.get(row.status, ""), row.status.label)


def _file_name(form: ReportForm, at: datetime.datetime) -> str:
    since, until = form.cleaned_data["since"], form.cleaned_data["until"] or at.date()
    days = f"{since}-to-{until}" if since else f"up-to-{until}"
    return f"communication-report-{days}.csv"


def _log(request: HttpRequest, text: str) -> None:
    LogEntry.objects.create(
        user_id=request.user.pk or 0,
        content_type=ContentType.objects.get_for_model(Message),
        object_repr="Communication report",
        action_flag=CHANGE,
        change_message=text,
    )
