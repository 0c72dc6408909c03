"""The Sandbox inbox: what the sandbox kept, as a mail client and as a phone."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from omnichannel import short_links
from omnichannel.admin.base import StudioAdmin, row_id
from omnichannel.admin.preview import preview_response
from omnichannel.backends import sandbox_store
from omnichannel.backends.sandbox_store import Kept
from omnichannel.choices import ChannelType
from omnichannel.models import ChannelProvider, Message

PAGE = 50


class SandboxPages(StudioAdmin):
    """Pages for everyone who may view messages; emptying needs the right to resolve them."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("sandbox/", wrap(self.sandbox_view), name="sandbox_inbox"),
            path("sandbox/<int:pk>/body/", wrap(self.sandbox_body_view), name="sandbox_body"),
            path("sandbox/empty/", wrap(require_POST(self.empty_view)), name="sandbox_empty"),
            *super().get_urls(),
        ]

    def sandbox_view(self, request: HttpRequest) -> HttpResponse:
        self._check(request)
        channel_type = request.GET.get("channel", ChannelType.EMAIL)
        if channel_type not in ChannelType.values:
            channel_type = ChannelType.EMAIL
        asked = {name: request.GET.get(name, "").strip() for name in ("q", "provider")}
        rows = sandbox_store.listing(
            channel_type=channel_type,
            provider=asked["provider"],
            query=asked["q"],
            before=_number(request.GET.get("before")),
            limit=PAGE + 1,
        )
        context = {
            **self.admin_site.each_context(request),
            "title": "Sandbox inbox",
            "channels": ChannelType.choices,
            "channel": channel_type,
            **asked,
            "rows": rows[:PAGE],
            "older": rows[PAGE - 1].id if len(rows) > PAGE else None,
            "chosen": _chosen(request, rows),
            "providers": _sandbox_providers(channel_type),
            "may_empty": self._may_empty(request),
        }
        context |= _shown(context["chosen"])
        return TemplateResponse(request, "studio/sandbox.html", context)

    def sandbox_body_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._check(request)
        kept = sandbox_store.get(row_id(pk))
        if kept is None:
            raise Http404("The sandbox does not keep this message any more.")
        return preview_response(kept.html, kept.text)

    def empty_view(self, request: HttpRequest) -> HttpResponse:
        if not self._may_empty(request):
            raise PermissionDenied
        count = sandbox_store.clear()
        messages.success(request, f"The sandbox is empty: {count:,} messages were thrown away.")
        return redirect("admin:sandbox_inbox")

    def _check(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _may_empty(self, request: HttpRequest) -> bool:
        return request.user.has_perm("omnichannel.resolve_message")


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def _chosen(request: HttpRequest, rows: list[Kept]) -> Kept | None:
    pk = _number(request.GET.get("message"))
    if pk is not None:
        return sandbox_store.get(pk)
    return rows[0] if rows else None


def _shown(kept: Kept | None) -> dict[str, Any]:
    """Beside what was kept, what an operator may click."""
    if kept is None:
        return {"message": None}
    return {
        "message": _message_of(kept),
        "text": short_links.harmless(kept.text),
        "headers": {name: short_links.harmless(value) for name, value in kept.headers.items()},
    }


def _message_of(kept: Kept) -> Message | None:
    """The row in the queue that this came from, where it is still there."""
    return Message.objects.filter(key=kept.key).only("pk").first() if kept.key else None


def _sandbox_providers(channel_type: str) -> list[Any]:
    rows = ChannelProvider.objects.filter(backend="sandbox", channel_type=channel_type)
    return list(rows.values_list("name", flat=True))
