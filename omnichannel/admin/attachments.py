from __future__ import annotations

from pathlib import PurePath
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html

from omnichannel import room
from omnichannel.admin.base import TabularInline, display
from omnichannel.admin.events import ReadOnly
from omnichannel.admin.sender_form import one_line
from omnichannel.choices import ChannelType
from omnichannel.enclosures import content_type_of
from omnichannel.models import Message, MessageAttachment


class AttachmentForm(forms.ModelForm):
    class Meta:
        model = MessageAttachment
        fields = ("file", "name")
        help_texts = {"name": "Empty: the name of the file."}

    def clean_name(self) -> str:
        one_line(self.cleaned_data["name"])
        return PurePath(self.cleaned_data["name"]).name

    def save(self, commit: bool = True) -> MessageAttachment:
        uploaded = self.cleaned_data["file"]
        row = self.instance
        row.name = (row.name or PurePath(uploaded.name).name)[-150:]
        row.size = uploaded.size
        told = getattr(uploaded, "content_type", "") or ""
        row.content_type = content_type_of(row.name, told)
        return super().save(commit)


class AttachmentFormSet(TabularInline.formset):
    def clean(self) -> None:
        super().clean()
        files = [
            form.cleaned_data["file"]
            for form in self.forms
            if form.is_valid() and form.cleaned_data.get("file")
        ]
        total, limit = sum(file.size for file in files), settings.ATTACHMENT_MAX_BYTES
        if total > limit:
            raise forms.ValidationError(
                f"The attachments are {filesizeformat(total)} together; at most "
                f"{filesizeformat(limit)} can be sent. Send a link instead."
            )
        try:
            room.need(total)
        except room.NoRoom as error:
            raise forms.ValidationError(str(error)) from error
        provider = self.instance.provider if self.instance.provider_id else None
        if files and provider and provider.channel_type != ChannelType.EMAIL:
            raise forms.ValidationError("Only e-mails carry attachments: remove them.")


class AttachmentInline(TabularInline):
    """The files of a message that is being written."""

    model = MessageAttachment
    form = AttachmentForm
    formset = AttachmentFormSet
    fields = ("file", "name")
    extra = 1
    hide_title = True


class SentAttachmentInline(ReadOnly, TabularInline):
    """The files of a message in the queue."""

    model = MessageAttachment
    fields = ("download", "content_type", "size_shown")
    readonly_fields = fields
    extra = 0
    hide_title = True

    @display(description="file")
    def download(self, obj: MessageAttachment) -> str:
        url = reverse("admin:message_attachment", args=(obj.message_id, obj.pk))
        return format_html('<a class="text-link" href="{}">{}</a>', url, obj.name)

    @display(description="size")
    def size_shown(self, obj: MessageAttachment) -> str:
        return filesizeformat(obj.size)

    def has_view_permission(self, request: HttpRequest, obj: Message | None = None) -> Any:
        return request.user.has_perm("omnichannel.view_message")
