"""What an event would say: a template, filled with the event's sample data."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from omnichannel import rendering
from omnichannel.admin.base import StudioAdmin
from omnichannel.admin.preview import preview_response
from omnichannel.choices import ChannelType
from omnichannel.exceptions import TemplateError
from omnichannel.models import Event, MessageTemplate
from omnichannel.subscriptions import unknown_variables
from omnichannel.variables import global_values


class EventPreview(StudioAdmin):
    """Adds the pages. They need the permission to view events, and to view the template."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        places = "<int:event>/preview/<int:template>/"
        return [
            path(places, wrap(self.preview_view), name="event_preview"),
            path(f"{places}body/", wrap(self.preview_body_view), name="event_preview_body"),
            *super().get_urls(),
        ]

    def preview_view(self, request: HttpRequest, event: int, template: int) -> HttpResponse:
        row, chosen = self._asked(request, event, template)
        kind = "emailtemplate" if chosen.channel_type == ChannelType.EMAIL else "smstemplate"
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": f"{row}: preview",
            "template_name": chosen.name,
            "template_url": reverse(f"admin:omnichannel_{kind}_change", args=(chosen.pk,)),
            "body_url": reverse("admin:event_preview_body", args=(row.pk, chosen.pk)),
            "unknown": unknown_variables(row, chosen.published_version),
        }
        try:
            context["rendered"] = rendered(row, chosen)
        except TemplateError as error:
            context["problem"] = str(error)
        return TemplateResponse(request, "admin/omnichannel/event_preview.html", context)

    def preview_body_view(self, request: HttpRequest, event: int, template: int) -> HttpResponse:
        try:
            found = rendered(*self._asked(request, event, template))
        except TemplateError as error:
            return preview_response("", str(error))
        return preview_response(found.html, found.text)

    def _asked(
        self, request: HttpRequest, event: int, template: int
    ) -> tuple[Event, MessageTemplate]:
        templates = MessageTemplate.objects.select_related("published_version")
        chosen = get_object_or_404(templates, pk=template)
        kind = "emailtemplate" if chosen.channel_type == ChannelType.EMAIL else "smstemplate"
        may_read = request.user.has_perm(f"omnichannel.view_{kind}")
        if not (may_read and self.has_view_permission(request)):
            raise PermissionDenied
        return get_object_or_404(Event, pk=event), chosen


def rendered(event: Event, template: MessageTemplate) -> rendering.Rendered:
    """With the event's samples, and the template's own for the recipient's columns."""
    version = template.published_version
    if version is None:
        raise TemplateError("The template has no published version yet.")
    samples = template.sample_variables.items()
    columns = {name: value for name, value in samples if name not in event.sample_data}
    values = {**columns, "event": event.sample_data}
    return rendering.render(version, values, global_values())
