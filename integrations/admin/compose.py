"""A new envelope by hand: from the house mailbox, with files."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from integrations import envelopes
from integrations.conversion.names import safe_name
from integrations.envelopes import Draft
from integrations.models import Envelope, Mailbox
from omnichannel import room
from omnichannel.admin.base import (
    StudioAdmin,
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    action,
)
from omnichannel.admin.template_content import FilesField
from omnichannel.enclosures import content_type_of
from omnichannel.exceptions import OmnichannelError

MOST_FILES = 50
MOST_BYTES = 64 * 1024 * 1024
MOST_BOXES = 500


class RecipientsField(forms.ModelMultipleChoiceField):
    """Each with its account: only those of the sender's can be chosen."""

    def label_from_instance(self, obj: Mailbox) -> str:
        return f"{obj} ({obj.account})"


class ComposeForm(forms.Form):
    key = forms.UUIDField(required=False, initial=uuid.uuid4, widget=forms.HiddenInput())
    sender = forms.ModelChoiceField(
        label="From",
        queryset=Mailbox.objects.none(),
        widget=UnfoldAdminSelectWidget(),
        help_text="The house mailboxes of your accounts.",
    )
    recipients = RecipientsField(
        label="To",
        queryset=Mailbox.objects.none(),
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )
    subject = forms.CharField(max_length=255, widget=UnfoldAdminTextInputWidget())
    message = forms.CharField(
        required=False, max_length=10_000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 4})
    )
    documents = FilesField(label="Documents", help_text="One or several, 64 MB together.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        boxes = Mailbox.objects.filter(is_active=True, account__is_active=True)
        houses = boxes.filter(account__default_mailbox__pk__isnull=False).select_related("account")
        house_ids = [box.pk for box in houses if box.account.default_mailbox_id == box.pk]
        sender = cast("forms.ModelChoiceField[Mailbox]", self.fields["sender"])
        sender.queryset = boxes.filter(pk__in=house_ids)
        if house_ids:
            sender.initial, sender.empty_label = house_ids[0], None
        recipients = cast("forms.ModelMultipleChoiceField[Mailbox]", self.fields["recipients"])
        others = boxes.exclude(pk__in=house_ids).select_related("account")
        recipients.queryset = others.order_by("account__name", "name")

    def clean_documents(self) -> list[UploadedFile]:
        files: list[UploadedFile] = self.cleaned_data["documents"]
        total = sum(file.size or 0 for file in files)
        if len(files) > MOST_FILES or total > MOST_BYTES:
            raise forms.ValidationError(f"At most {MOST_FILES} files and 64 MB together.")
        try:
            room.need(total)
        except room.NoRoom as error:
            raise forms.ValidationError(str(error)) from error
        return files

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        sender = data.get("sender")
        for box in data.get("recipients") or ():
            if sender and (box == sender or box.account_id != sender.account_id):
                text = f"{box} cannot get it: choose mailboxes of {sender.account}."
                self.add_error("recipients", text)
        return data

    def draft(self) -> Draft:
        data = self.cleaned_data
        return Draft(
            sender=data["sender"],
            recipients=list(data["recipients"]),
            subject=data["subject"],
            message=data["message"],
            key=data["key"],
        )

    def sent(self) -> Envelope | None:
        """What this very form was sent as, when it was."""
        return Envelope.objects.filter(key=self.cleaned_data["key"] or uuid.uuid4()).first()

    def papers(self) -> list[tuple[str, str, bytes]]:
        named = [(safe_name(file.name or ""), file) for file in self.cleaned_data["documents"]]
        return [
            (name, content_type_of(name, file.content_type or ""), file.read())
            for name, file in named
        ]


class ComposePage(StudioAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.compose_view)
        return [path("new/", view, name="integrations_envelope_new"), *super().get_urls()]

    def has_compose_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("integrations.add_envelope")

    @action(description="New envelope", icon="add", permissions=["compose"])
    def compose(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:integrations_envelope_new")

    def compose_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_compose_permission(request):
            raise PermissionDenied
        form = ComposeForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            if sent := form.sent():
                return _sent_already(request, sent)
            try:
                envelope = envelopes.send(
                    form.draft(),
                    form.papers(),
                    by=request.user.get_username(),
                    at=timezone.now(),
                )
            except OmnichannelError as error:
                form.add_error(None, str(error))
            except IntegrityError:  # by a second press, at this very moment
                return _sent_already(request, get_object_or_404(Envelope, key=form.draft().key))
            else:
                messages.success(request, f"{envelope} was sent.")
                return redirect(envelope)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "New envelope",
            "form": form,
        }
        return TemplateResponse(request, "admin/integrations/compose.html", context)


def _sent_already(request: HttpRequest, envelope: Envelope) -> HttpResponse:
    messages.warning(request, "It was sent already. Press New envelope to send another one.")
    return redirect(envelope)
