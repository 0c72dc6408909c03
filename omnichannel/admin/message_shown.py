"""What was sent: rendered again, exactly, from what the row and its job kept."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.http import content_disposition_header

from omnichannel import rendering
from omnichannel.admin.base import StudioAdmin
from omnichannel.admin.preview import preview_response
from omnichannel.exceptions import OmnichannelError
from omnichannel.models import Message, MessageAttachment
from omnichannel.outgoing import config_of


class MessageShown(StudioAdmin):
    """The pages of one message's content. Each needs the permission to view messages."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/shown/", wrap(self.shown_view), name="message_shown"),
            path("<int:pk>/shown/body/", wrap(self.body_view), name="message_shown_body"),
            path(
                "<int:pk>/attachments/<int:attachment>/",
                wrap(self.attachment_view),
                name="message_attachment",
            ),
            *super().get_urls(),
        ]

    def shown_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        message = self._visible(request, pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "What was sent" if message.attempts else "What will be sent",
            "original": message,
            "message": message,
            "attachments": message.attachments.all(),
        }
        try:
            context["rendered"] = rendering.render_message(message)
            context["headers"] = headers_of(message, context["rendered"].subject)
        except OmnichannelError as error:
            context["problem"] = str(error)
        return TemplateResponse(request, "admin/omnichannel/message_shown.html", context)

    def body_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        message = self._visible(request, pk)
        try:
            rendered = rendering.render_message(message)
        except OmnichannelError as error:
            return preview_response("", str(error))
        return preview_response(rendered.html, rendered.text)

    def attachment_view(self, request: HttpRequest, pk: int, attachment: int) -> FileResponse:
        message = self._visible(request, pk)
        row = get_object_or_404(MessageAttachment, pk=attachment, message=message)
        try:
            file = row.file.open("rb")
        except FileNotFoundError as error:
            raise Http404("The file of this attachment is missing.") from error
        response = FileResponse(file, content_type="application/octet-stream")
        response["Content-Disposition"] = content_disposition_header(True, row.name) or "attachment"
        response["X-Content-Type-Options"] = "nosniff"
        return response

    def _visible(self, request: HttpRequest, pk: int) -> Message:
        rows = Message.objects.select_related("provider", "job", "template_version", "channel")
        message = get_object_or_404(rows, pk=pk)
        if not self.has_view_permission(request, message):
            raise PermissionDenied
        return message


def headers_of(message: Message, subject: str) -> list[tuple[str, str]]:
    """The lines of the message's head as an operator reads them; empty ones are left out."""
    config = config_of(message.provider)
    job, version = message.job, message.template_version
    address = (job and job.from_address) or config.from_address
    name = (job and job.from_name) or (version and version.from_name) or config.from_name
    lines = [
        ("From", f"{name} <{address}>" if name else address),
        ("To", message.to_address),
        ("CC", message.cc_addresses),
        ("BCC", message.bcc_addresses),
        ("Reply to", (job and job.reply_to) or (version and version.reply_to) or ""),
        ("Subject", subject),
        ("Message key", str(message.key)),
        ("External Id", message.external_id),
    ]
    return [(label, text) for label, text in lines if text]
