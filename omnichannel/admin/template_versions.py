"""The versions of a template: their list, what differs between two, and the way back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.http import content_disposition_header
from django.utils.safestring import SafeString

from omnichannel import comparing, enclosures, publishing
from omnichannel.admin.base import StudioAdmin, TabularInline, display
from omnichannel.choices import ChannelType
from omnichannel.exceptions import InvalidMessage, OmnichannelError
from omnichannel.models import MessageTemplate, TemplateVersion

LISTED = 200  # versions to choose from, the latest ones
MODELS = {ChannelType.EMAIL: "emailtemplate", ChannelType.SMS: "smstemplate"}


def page_of(template: MessageTemplate, name: str, *args: Any) -> str:
    """The address of one of a template's pages, by its channel."""
    model = MODELS.get(ChannelType(template.channel_type), "emailtemplate")
    return reverse(f"admin:omnichannel_{model}_{name}", args=args)


class VersionInline(TabularInline):
    """Every text the template ever had. None of them can be changed."""

    model = TemplateVersion
    fields = readonly_fields = (
        "number",
        "subject",
        "languages_shown",
        "created_by",
        "created_at",
        "shown",
        "compared",
    )
    extra = 0
    per_page = 10
    ordering = ("-number",)
    tab = True
    hide_title = True
    verbose_name_plural = "versions"

    def get_queryset(self, request: HttpRequest) -> QuerySet[TemplateVersion]:
        versions = super().get_queryset(request).select_related("created_by", "template")
        return versions.defer("html", "text", "compiled_html", "compiled_text")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # who sees the template sees its versions

    @display(description="languages")
    def languages_shown(self, obj: TemplateVersion) -> str:
        return ", ".join(("default", *obj.languages))

    @display(description="text")
    def shown(self, obj: TemplateVersion) -> SafeString:
        url = page_of(obj.template, "version", obj.pk)
        links = [(url, "Show"), *((f"{url}?language={tag}", tag) for tag in obj.languages)]
        return format_html_join(
            " ", '<a class="text-link" href="{}" target="_blank" rel="noopener">{}</a>', links
        )

    @display(description="changes")
    def compared(self, obj: TemplateVersion) -> SafeString | str:
        url = page_of(obj.template, "compare", obj.template_id)
        links = []
        if obj.number > 1:
            links.append((f"{url}?old={obj.number - 1}&new={obj.number}", "What changed"))
        if obj.pk != obj.template.published_version_id:
            links.append((f"{url}?back={obj.number}", "Roll back"))
        return format_html_join(" ", '<a class="text-link" href="{}">{}</a>', links) or "-"


class VersionPages(StudioAdmin):
    """Looking takes the permission to view the template, rolling back the one to change it."""

    channel_type: str

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        prefix = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("<int:pk>/compare/", wrap(self.compare_view), name=f"{prefix}_compare"),
            path("<int:pk>/roll-back/", wrap(self.roll_back_view), name=f"{prefix}_roll_back"),
            path(
                "version/<int:version_id>/files/<int:place>/",
                wrap(self.file_view),
                name=f"{prefix}_file",
            ),
            *super().get_urls(),
        ]

    def _template(self, request: HttpRequest, pk: int) -> MessageTemplate:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        template: MessageTemplate | None = self.get_object(request, str(pk))
        if template is None:
            raise Http404("There is no such template.")
        return template

    def compare_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Two versions by their numbers; "back": the published one and one to go back to."""
        template = self._template(request, pk)
        numbers = list(template.versions.values_list("number", flat=True)[:LISTED])
        back = _number(request.GET.get("back"))
        old, new = self._pair(request, template, back)
        may_change = self.has_change_permission(request, template)
        published = template.published_version
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Versions of {template}",
            "original": template,
            "numbers": numbers,
            "old": old,
            "new": new,
            "changes": comparing.compare(old, new),
            "published": published,
            "back": back,
            "may_roll_back": may_change and new != published,
            "roll_back_url": page_of(template, "roll_back", template.pk),
            "change_url": page_of(template, "change", template.pk),
        }
        return TemplateResponse(request, "admin/omnichannel/template_compare.html", context)

    def _pair(
        self, request: HttpRequest, template: MessageTemplate, back: int | None
    ) -> tuple[TemplateVersion, TemplateVersion]:
        published = template.published_version
        if published is None:
            raise Http404("There is no version yet.")
        old, new = _number(request.GET.get("old")), _number(request.GET.get("new"))
        if back is not None:
            old, new = published.number, back
        new = new or published.number
        wanted = {old or max(1, new - 1), new}
        found = {row.number: row for row in template.versions.filter(number__in=wanted)}
        if len(found) != len(wanted):
            raise Http404("There is no such version.")
        return found[old or max(1, new - 1)], found[new]

    def roll_back_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        template = self._template(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_change_permission(request, template):
            raise PermissionDenied
        number = _number(request.POST.get("number"))
        version = get_object_or_404(template.versions, number=number)
        try:
            made = publishing.roll_back(template, version, by=request.user)
        except OmnichannelError as error:
            messages.error(request, f"It was not rolled back. {error}")
        else:
            text = f"Version {made.number} is published: it says what version {number} said."
            messages.success(request, text)
            self.log_change(request, template, f"Rolled back to version {number}.")
        return HttpResponseRedirect(page_of(template, "change", template.pk))

    def file_view(
        self, request: HttpRequest, version_id: int, place: int
    ) -> HttpResponse | FileResponse:
        may_see = request.user.has_perm("omnichannel.view_message")
        if not (may_see or self.has_view_or_change_permission(request)):
            raise PermissionDenied
        version = get_object_or_404(
            TemplateVersion, pk=version_id, template__channel_type=self.channel_type
        )
        if not 1 <= place <= len(version.files):
            raise Http404("There is no such attachment.")
        entry = version.files[place - 1]
        try:
            file = enclosures.opened(entry)
        except InvalidMessage as error:
            raise Http404(str(error)) from error
        response = FileResponse(file, content_type="application/octet-stream")
        response["Content-Disposition"] = (
            content_disposition_header(True, entry["name"]) or "attachment"
        )
        response["X-Content-Type-Options"] = "nosniff"
        return response


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None
