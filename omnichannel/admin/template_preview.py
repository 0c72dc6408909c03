"""The editor's questions while someone writes: what would this say, and to whom?

Unsaved text is only ever handled in the limited child process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path

from omnichannel import preview_rows, previewing, rendering, template_names
from omnichannel.admin import sms_template
from omnichannel.admin.base import StudioAdmin
from omnichannel.admin.preview import preview_response
from omnichannel.admin.template_form import clean_samples
from omnichannel.admin.template_languages import picked
from omnichannel.choices import ChannelType
from omnichannel.exceptions import TemplateError
from omnichannel.models import MessageTemplate, TemplateVersion
from omnichannel.rendering.filters import FILTERS
from omnichannel.sms_text import table
from omnichannel.variables import global_values


def examine(
    request: HttpRequest, channel_type: str, values: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The posted text, as `rendering.examine` sees it. Raises TemplateError."""
    names = ("subject", "html", "text") if channel_type == ChannelType.EMAIL else ("text",)
    _, further = picked(request, values or {})
    source = request.POST if further is None else further
    sent = {name: source.get(name, "").replace("\r\n", "\n") for name in names}
    return rendering.examine(
        subject=sent.get("subject", ""),
        html=sent.get("html", ""),
        text=sent["text"],
        kind=request.POST.get("source_kind", ""),
        values=values,
        global_values=global_values(),
    )


def values_of(request: HttpRequest) -> dict[str, Any]:
    """The chosen record's values (with the samples' event), else the sample variables."""
    samples = clean_samples(request.POST.get("sample_variables", ""))
    row = clean_samples(request.POST.get("row", ""))
    if not row:
        return samples
    return {"event": samples["event"], **row} if "event" in samples else row


def looked_at(request: HttpRequest, channel_type: str) -> dict[str, Any]:
    """The unsaved text rendered: {"rendered": {part: text}, "variables"}. Raises TemplateError."""
    try:
        values = values_of(request)
    except ValueError as error:
        raise TemplateError(str(error)) from error
    return examine(request, channel_type, values)


def inspected(request: HttpRequest, channel_type: str) -> dict[str, Any]:
    """What the editor shows beside the preview, also when there is something wrong."""
    try:
        found = looked_at(request, channel_type)
    except TemplateError as error:
        return {
            "error": str(error),
            "line": error.line,
            "part": error.part,
            "variables": named_in(request, channel_type),
        }
    rendered = found["rendered"]
    answer = {
        "subject": " ".join(rendered["subject"].split()),
        "text": rendered["text"],
        "variables": found["variables"],
        "language": picked(request, values_of(request))[0],
    }
    if channel_type == ChannelType.SMS:
        answer.update(sms_template.looked_at(request, rendered["text"]))
    return answer


def named_in(request: HttpRequest, channel_type: str) -> list[str]:
    try:
        found = examine(request, channel_type, None)
    except TemplateError:
        return []
    names: list[str] = found["variables"]
    return names


def subject_shown(template: MessageTemplate) -> str:
    """Of the published version, with the samples; as it is written where these do not fit."""
    if (version := template.published_version) is None:
        return ""
    try:
        return " ".join(previewing.preview(template, version).rendered.subject.split())
    except TemplateError:
        return version.subject


class PreviewAdmin(StudioAdmin):
    """Adds the editor's own URLs. Looking needs the view permission, and POST."""

    channel_type: str

    def get_urls(self) -> list[URLPattern]:
        prefix = f"{self.opts.app_label}_{self.opts.model_name}"
        pages = (
            ("preview", self.preview_view),
            ("inspect", self.inspect_view),
            ("rows", self.rows_view),
        )
        own = [
            path(f"{name}/", self.admin_site.admin_view(view), name=f"{prefix}_{name}")
            for name, view in pages
        ]
        version = self.admin_site.admin_view(self.version_view)
        own.append(path("version/<int:version_id>/", version, name=f"{prefix}_version"))
        return own + super().get_urls()

    def editor_context(self, request: HttpRequest) -> dict[str, Any]:
        return {
            "editor_channel": self.channel_type,
            "editor_names": template_names.groups(request.user),
            "editor_filters": sorted(FILTERS),
            "editor_sms": table() if self.channel_type == ChannelType.SMS else None,
            "editor_urls": {
                name: f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}"
                for name in ("preview", "inspect", "rows", "version")
            },
        }

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """The rendered body as a page for the preview's frame; "text" shows the text part."""
        refused = self.refused(request)
        if refused:
            return refused
        try:
            rendered = looked_at(request, self.channel_type)["rendered"]
        except TemplateError as error:
            return preview_response("", str(error))
        as_text = request.POST.get("show") == "text"
        return preview_response("" if as_text else rendered["html"], rendered["text"])

    def inspect_view(self, request: HttpRequest) -> HttpResponse:
        return self.refused(request) or JsonResponse(inspected(request, self.channel_type))

    def rows_view(self, request: HttpRequest) -> HttpResponse:
        """Records to preview with: [{"label", "values"}]."""
        refused = self.refused(request)
        if refused:
            return refused
        rows = preview_rows.find(request.user, request.POST.get("q", "")[:320])
        return JsonResponse({"rows": [row._asdict() for row in rows]})

    def version_view(self, request: HttpRequest, version_id: int) -> HttpResponse:
        """A saved version as it reads with the sample variables of today."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        version = get_object_or_404(
            TemplateVersion.objects.select_related("template"),
            pk=version_id,
            template__channel_type=self.channel_type,
        )
        language = request.GET.get("language", "")
        try:
            shown = previewing.preview(version.template, version, language=language).rendered
        except TemplateError as error:
            return preview_response("", f"{error}\n\n{version.html or version.text}")
        return preview_response(shown.html, shown.text)

    def refused(self, request: HttpRequest) -> HttpResponse | None:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        return None if request.method == "POST" else HttpResponseNotAllowed(["POST"])
