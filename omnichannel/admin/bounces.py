"""The bounce mailbox on a provider's page: its settings, what came of it, and its test."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.core.validators import RegexValidator
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone

from omnichannel import backends, trials
from omnichannel.admin.backend_fields import STORED, secret_field
from omnichannel.admin.base import StackedInline, StudioAdmin, action, row_id
from omnichannel.admin.provider_dialogs import CheckForm
from omnichannel.admin.sender_form import one_line
from omnichannel.backends.smtp import HOST, SmtpForm
from omnichannel.choices import AfterReading, MailboxProtocol
from omnichannel.models import BounceMailbox, ChannelProvider
from omnichannel.statuses import seed_statuses

TEST_DIALOG = {
    "title": "Test bounce mailbox",
    "description": "Signs in with the stored settings and looks into the mailbox. Nothing in it "
    "is changed.",
    "form_class": CheckForm,
    "form_submit_text": "Test",
}
# Another mailbox: its password is entered again, and it is read from its beginning.
PLACE = ("protocol", "host", "port", "security", "user")
FOLDER = RegexValidator(r"^[ -~]*\Z", "Plain letters, digits and signs only.")


class BounceMailboxForm(forms.ModelForm):
    new_password = secret_field("Password")

    class Meta:
        model = BounceMailbox
        fields = (
            "is_active",
            "protocol",
            "host",
            "port",
            "security",
            "user",
            "folder",
            "after_reading",
            "move_to",
            "ca_certificate",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_stored = bool(self.instance.pk)
        if self.is_stored:
            self.fields["new_password"].widget.attrs["placeholder"] = STORED
        self.fields["ca_certificate"].widget.attrs["rows"] = 3

    def clean_host(self) -> str:
        host: str = self.cleaned_data["host"].strip()
        if not re.fullmatch(HOST, host):
            raise forms.ValidationError(
                "A host name or an address only: the port has its own field."
            )
        return host

    def clean_user(self) -> str:
        one_line(self.cleaned_data["user"])
        return self.cleaned_data["user"]

    def clean_folder(self) -> str:
        FOLDER(self.cleaned_data["folder"])
        return self.cleaned_data["folder"]

    def clean_move_to(self) -> str:
        FOLDER(self.cleaned_data["move_to"])
        return self.cleaned_data["move_to"]

    clean_ca_certificate = SmtpForm.clean_ca_certificate

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self._check_after_reading(cleaned)
        password = cleaned.get("new_password", "")
        one_line(password)
        is_moved = any(name in self.changed_data for name in PLACE)
        if not password and not self.is_stored:
            self.add_error("new_password", "Enter the mailbox's password.")
        elif not password and is_moved:
            self.add_error("new_password", "Enter it again: where it is sent to has changed.")
        return cleaned

    def _check_after_reading(self, cleaned: dict[str, Any]) -> None:
        is_moving = cleaned.get("after_reading") == AfterReading.MOVE
        if is_moving and cleaned.get("protocol") == MailboxProtocol.POP3:
            self.add_error("after_reading", "POP3 has no folders: choose another, or IMAP.")
        elif is_moving and not cleaned.get("move_to"):
            self.add_error("move_to", "Name the folder that read mail is moved to.")
        elif is_moving and cleaned.get("move_to") == cleaned.get("folder"):
            self.add_error("move_to", "Name another folder than the one that is read.")

    def save(self, commit: bool = True) -> BounceMailbox:
        """Read anew at once. The reader writes the other columns at the same time."""
        mailbox: BounceMailbox = self.instance
        mailbox.due_at, mailbox.failures, mailbox.last_error = timezone.now(), 0, ""
        columns = [*BounceMailboxForm.Meta.fields, "due_at", "failures", "last_error"]
        if self.cleaned_data["new_password"]:
            mailbox.password = self.cleaned_data["new_password"]
            columns.append("password")
        if any(name in self.changed_data for name in (*PLACE, "folder")):
            mailbox.progress = {}
            columns.append("progress")
        if self.is_stored and commit:
            mailbox.save(update_fields=columns)
            return mailbox
        saved: BounceMailbox = super().save(commit)
        if commit:
            seed_statuses(saved.provider)  # of an earlier version: these codes may be missing
        return saved


class BounceMailboxInline(StackedInline):
    model = BounceMailbox
    form = BounceMailboxForm
    extra = 0
    hide_title = True
    verbose_name_plural = "bounce mailbox"
    readonly_fields = ("record",)
    fields = (
        "is_active",
        ("protocol", "security"),
        ("host", "port"),
        ("user", "new_password"),
        "folder",
        ("after_reading", "move_to"),
        "ca_certificate",
        "record",
    )

    @admin.display(description="so far")
    def record(self, obj: BounceMailbox) -> str:
        context = {"mailbox": obj if obj.pk else None}
        return render_to_string("admin/omnichannel/bounce_record.html", context)

    # It is a part of its provider: who may do a thing with that may do it with this.
    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may(request, "view") or _may(request, "change")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may(request, "change")

    has_change_permission = has_delete_permission = has_add_permission


def _may(request: HttpRequest, what: str) -> bool:
    return request.user.has_perm(f"omnichannel.{what}_channelprovider")


class BounceSection(StudioAdmin):
    """For the page of a provider whose relay reports by mail."""

    def bounce_inlines(
        self, request: HttpRequest, provider: ChannelProvider | None
    ) -> tuple[type[StackedInline], ...]:
        if provider is None:
            return ()
        if request.method == "POST":  # what the page had when it was shown
            is_shown = "bounce_mailbox-TOTAL_FORMS" in request.POST
        else:
            backend = backends.get(provider.backend)
            reports = backend is not None and backend.reports_by_mail
            is_shown = reports or BounceMailbox.objects.filter(provider=provider).exists()
        return (BounceMailboxInline,) if is_shown else ()

    def has_test_mailbox_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        may = self.has_change_permission(request)
        if not may or not object_id:
            return may
        return BounceMailbox.objects.filter(provider=row_id(object_id)).exists()

    @action(
        description="Test bounce mailbox",
        icon="mark_email_read",
        permissions=["test_mailbox"],
        dialog=TEST_DIALOG,
    )
    def test_bounce_mailbox(
        self, request: HttpRequest, form: CheckForm, object_id: str
    ) -> HttpResponse:
        mailbox = BounceMailbox.objects.filter(provider=row_id(object_id)).first()
        if mailbox is None:
            raise Http404("There is no bounce mailbox.")
        form.answer = trials.try_mailbox(mailbox)
        return self.answer(request, form, TEST_DIALOG)
