"""The visual editor: a page of its own in a frame, with a policy of its own.

It edits text that others wrote, in a frame of our origin (it cannot work in another), so its page
lets nothing run but its own three scripts, and fetches nothing from anywhere.
"""

from __future__ import annotations

import secrets

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, path

from omnichannel import rendering
from omnichannel.admin.template_preview import PreviewAdmin
from omnichannel.exceptions import TemplateError

SCRIPT = "visual/grapesjs/grapes.min.js"
POLICY = (
    "sandbox allow-scripts allow-same-origin allow-modals; default-src 'none'; "
    "script-src 'nonce-{}'; style-src 'self' 'unsafe-inline'; img-src data:; "
    "font-src 'self' data:; frame-ancestors 'self'; form-action 'none'; base-uri 'none'"
)


def is_installed() -> bool:
    return bool(settings.VISUAL_EDITOR and finders.find(SCRIPT))


class VisualAdmin(PreviewAdmin):
    """Adds the visual editor's URLs. Looking needs the view permission."""

    def get_urls(self) -> list[URLPattern]:
        prefix = f"{self.opts.app_label}_{self.opts.model_name}"
        page = self.admin_site.admin_view(self.visual_view)
        source = self.admin_site.admin_view(self.visual_source_view)
        return [
            path("visual/", page, name=f"{prefix}_visual"),
            path("visual/source/", source, name=f"{prefix}_visual_source"),
            *super().get_urls(),
        ]

    def visual_view(self, request: HttpRequest) -> HttpResponse:
        """The editor's page, or how to get it where it is not installed."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        nonce = secrets.token_urlsafe(16)
        context = {"nonce": nonce, "is_installed": is_installed()}
        response = render(request, "admin/omnichannel/visual_editor.html", context)
        response["Content-Security-Policy"] = POLICY.format(nonce)
        response["X-Frame-Options"] = "SAMEORIGIN"
        response["Referrer-Policy"] = "no-referrer"
        response["Cache-Control"] = "no-store"
        return response

    def visual_source_view(self, request: HttpRequest) -> HttpResponse:
        """The posted HTML as the editor may have it (see `rendering.visual`), or {"error"}."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            html = request.POST.get("html", "").replace("\r\n", "\n")
            return JsonResponse(rendering.visual_source(html))
        except TemplateError as error:
            return JsonResponse({"error": str(error)})
