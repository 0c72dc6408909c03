"""What was sent: rendered again, exactly, from what the row and its job kept."""

from __future__ import annotations

import unicodedata

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.http import content_disposition_header

from omnichannel import rendering, short_links, unkept
from omnichannel.admin.base import StudioAdmin
from omnichannel.admin.preview import preview_response
from omnichannel.admin.template_versions import page_of
from omnichannel.choices import ChannelType
from omnichannel.exceptions import OmnichannelError
from omnichannel.models import Message, MessageAttachment, TemplateVersion
from omnichannel.outgoing import config_of, from_address
from omnichannel.sms_text import measure


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
            "files": files_of(message.template_version),
        }
        try:
            rendered = context["rendered"] = sent(message)
            context["text"] = short_links.harmless(rendered.text)
            context["headers"] = headers_of(message, rendered.subject)
            if message.provider.channel_type == ChannelType.SMS:
                context["headers"] += size_of(rendered.text)
        except OmnichannelError as error:
            context["problem"] = str(error)
        return TemplateResponse(request, "admin/omnichannel/message_shown.html", context)

    def body_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        message = self._visible(request, pk)
        try:
            rendered = sent(message)
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
        related = ("provider", "job", "template_version__template", "channel")
        rows = Message.objects.select_related(*related)
        message = get_object_or_404(rows, pk=pk)
        if not self.has_view_permission(request, message):
            raise PermissionDenied
        return message


def files_of(version: TemplateVersion | None) -> list[tuple[str, int, str]]:
    """(name, bytes, address) of what every message of the version carries."""
    return (
        [
            (entry["name"], entry["size"], page_of(version.template, "file", version.pk, place))
            for place, entry in enumerate(version.files, 1)
        ]
        if version
        else []
    )


def sent(message: Message) -> rendering.Rendered:
    """What is secret in it is masked. Raises TemplateError."""
    return short_links.as_sent(message, rendering.render_message(unkept.masked(message)))


def size_of(text: str) -> list[tuple[str, str]]:
    """What an SMS takes on the wire, and why it takes more than it might."""
    size = measure(text)
    lines = [("Length", size.text)]
    if size.reasons:
        lines.append(("Not in GSM-7", " ".join(map(named, size.reasons))))
    return lines


def named(char: str) -> str:
    """The character, or its number when it cannot be seen by itself."""
    return f"U+{ord(char):04X}" if unicodedata.category(char)[0] in "ZCM" else char


def headers_of(message: Message, subject: str) -> list[tuple[str, str]]:
    """The lines of the message's head as an operator reads them; empty ones are left out."""
    config = config_of(message.provider)
    job, version = message.job, message.template_version
    address = from_address(job, version) or config.from_address
    name = (job and job.from_name) or (version and version.from_name) or config.from_name
    lines = [
        ("From", f"{name} <{address}>" if name else address),
        ("To", message.to_address),
        ("CC", message.cc_addresses),
        ("BCC", message.bcc_addresses),
        ("Reply to", (job and job.reply_to) or (version and version.reply_to) or ""),
        ("Subject", subject),
        *(version.headers.items() if version else ()),
        ("Message key", str(message.key)),
        ("External Id", message.external_id),
    ]
    return [(label, text) for label, text in lines if text]
