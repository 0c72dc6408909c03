from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone

from omnichannel import outbox, uncertain
from omnichannel.admin.attachments import AttachmentInline, SentAttachmentInline
from omnichannel.admin.base import (
    AutocompleteSelectFilter,
    ChoicesDropdownFilter,
    RelatedDropdownFilter,
    TabularInline,
    action,
    badge,
    display,
    row_id,
)
from omnichannel.admin.events import MessageEventInline
from omnichannel.admin.filled import filled
from omnichannel.admin.filters import ChannelTypeFilter, ErrorCodeFilter
from omnichannel.admin.look_ups import LookUps
from omnichannel.admin.message_form import MessageForm
from omnichannel.admin.message_list import COLOURS, MessageList
from omnichannel.admin.message_shown import MessageShown
from omnichannel.admin.moments import MomentRangeFilter
from omnichannel.admin.people_links import person_url
from omnichannel.admin.report_pages import ReportPages
from omnichannel.admin.sandbox import SandboxPages
from omnichannel.choices import MessageStatus
from omnichannel.models import Message

_TO = ("to_address", "cc_addresses", "bcc_addresses")
_WHEN = (("starts_at", "ends_at"), ("interval_min", "interval_max"))
_RETRY = (("retry_max_attempt", "pool_time_retry"),)
_WAY = (("channel", "provider"), ("category", "priority"))
_EXTRA = ("channel_provider_params", "extended_properties")


@admin.register(Message)
class MessageAdmin(ReportPages, SandboxPages, MessageShown, LookUps, MessageList):
    form = MessageForm
    list_display = (
        "to_address",
        "subject_shown",
        "state",
        "waits_until",
        "channel_type",
        "provider",
        "attempts",
        "created",
    )
    sortable_by = ("to_address", "created")  # what has an index
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("provider", RelatedDropdownFilter),
        ("channel", RelatedDropdownFilter),
        ("category", ChoicesDropdownFilter),
        ChannelTypeFilter,
        ("job", AutocompleteSelectFilter),
        ("created_at", MomentRangeFilter),
        ErrorCodeFilter,
    )
    add_fieldsets = (
        ("Recipients", {"fields": _TO}),
        ("Content", {"fields": ("subject", "body_html", "body_text")}),
        ("Way", {"fields": _WAY}),
        ("When (UTC)", {"fields": ("starts_at", "ends_at", _WHEN[1])}),
        ("Retry", {"fields": _RETRY}),
        ("For the provider", {"fields": _EXTRA}),
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("state_now", "waits_until", "by_itself"),
                    ("provider_status", "error_code"),
                    "error_message",
                    ("retry_attempt", "attempts"),
                    ("last_attempt_at", "external_id"),
                )
            },
        ),
        ("Recipients and content", {"fields": (*_TO, "subject", "text_shown", "template_version")}),
        ("Way", {"fields": (*_WAY, "job")}),
        ("When (UTC)", {"fields": (("created_at", "expires_at"), *_WHEN, *_RETRY)}),
        (
            "For the provider",
            {"fields": (*_EXTRA, "variables", "key", ("claimed_by", "lease_until"))},
        ),
    )
    actions_detail = (*LookUps.actions_detail, "person")
    list_before_template = "admin/omnichannel/message_person.html"
    empty_hint = "Nothing was sent yet. Add a message by hand, or run a campaign."

    def get_inlines(
        self, request: HttpRequest, obj: Message | None
    ) -> tuple[type[TabularInline], ...]:
        if obj is None:
            return (AttachmentInline,)
        files = (SentAttachmentInline,) if obj.attachments.exists() else ()
        return (*files, MessageEventInline)

    def get_fieldsets(self, request: HttpRequest, obj: Message | None = None) -> Any:
        found = super().get_fieldsets(request, obj)
        return found if obj is None else filled(found, lambda name: self._value(obj, name))

    def _value(self, obj: Message, name: str) -> Any:
        own = getattr(self, name, None)
        return own(obj) if callable(own) else getattr(obj, name)

    def get_readonly_fields(self, request: HttpRequest, obj: Message | None = None) -> Any:
        return ("state_now", "waits_until", "by_itself", "text_shown") if obj else ()

    def save_model(
        self, request: HttpRequest, obj: Message, form: forms.ModelForm, change: bool
    ) -> None:
        outbox.enqueue(obj, at=timezone.now())

    def has_change_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False  # what is in the queue is cancelled or sent again, never edited

    def has_delete_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False

    @display(description="Message Status", label=COLOURS)
    def state(self, obj: Message) -> tuple[str, str]:
        return obj.status, obj.get_status_display()

    @display(description="Message Status")
    def state_now(self, obj: Message) -> str:
        status = MessageStatus(obj.status)
        return badge(COLOURS.get(status, ""), status.label)

    @display(description="created", ordering="id")
    def created(self, obj: Message) -> datetime.datetime:
        return obj.created_at

    @display(description="waits until", empty_value="-")
    def waits_until(self, obj: Message) -> datetime.datetime | None:
        return obj.due_at if obj.status in (MessageStatus.SCHEDULED, MessageStatus.ERROR) else None

    @display(description="what happens by itself")
    def by_itself(self, obj: Message) -> str:
        return uncertain.what_happens(obj, timezone.now())

    @display(description="channel")
    def channel_type(self, obj: Message) -> str:
        return obj.provider.get_channel_type_display()

    @action(description="Show what was sent", icon="visibility", permissions=["view"])
    def shown(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect("admin:message_shown", row_id(object_id))

    @action(description="Person", icon="person", permissions=["omnichannel.view_person"])
    def person(self, request: HttpRequest, object_id: str) -> HttpResponse:
        message = get_object_or_404(Message.objects.only("to_address"), pk=row_id(object_id))
        return redirect(person_url(message.to_address))
