from __future__ import annotations

import contextlib
import datetime
import uuid
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html

from omnichannel import outbox
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
from omnichannel.admin.message_form import MessageForm
from omnichannel.admin.message_moves import MessageMoves
from omnichannel.admin.message_shown import MessageShown
from omnichannel.admin.moments import MomentRangeFilter
from omnichannel.admin.paginator import CappedPaginator
from omnichannel.admin.sandbox import SandboxPages
from omnichannel.choices import MessageStatus
from omnichannel.models import Message

COLOURS = {
    MessageStatus.SCHEDULED: "info",
    MessageStatus.NEW: "info",
    MessageStatus.SENDING: "info",
    MessageStatus.SENT: "success",
    MessageStatus.DELIVERED: "success",
    MessageStatus.ERROR: "warning",
    MessageStatus.UNCERTAIN: "warning",
    MessageStatus.FAILED: "danger",
    MessageStatus.EXPIRED: "danger",
}
# What a list does not show, and secrets that no list may read.
_HEAVY = (
    "body_html",
    "body_text",
    "variables",
    "provider__app_password",
    "provider__app_key",
    "provider__app_secrets",
    "template_version__html",
    "template_version__compiled_html",
    "template_version__compiled_text",
)
SHOWN = 120  # characters of a subject or a text
_TO = ("to_address", "cc_addresses", "bcc_addresses")
_WHEN = (("starts_at", "ends_at"), ("interval_min", "interval_max"))
_RETRY = (("retry_max_attempt", "pool_time_retry"),)
_WAY = (("channel", "provider"), ("category", "priority"))
_EXTRA = ("channel_provider_params", "extended_properties")


@admin.register(Message)
class MessageAdmin(SandboxPages, MessageShown, MessageMoves):
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
    list_select_related = ("provider", "template_version__template")
    search_fields = ("to_address",)
    search_help_text = "Address, message key, External Id"
    paginator = CappedPaginator
    ordering = ("-id",)
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
                    ("state_now", "waits_until"),
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
    empty_hint = "Nothing was sent yet. Add a message by hand, or run a campaign."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        rows = super().get_queryset(request).defer(*_HEAVY)
        return rows.annotate(opening=Left("body_text", SHOWN))

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
        return ("state_now", "waits_until", "text_shown") if obj else ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Message], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        for condition in (known_by(term), Q(external_id=term) & ~Q(external_id="")):
            found = queryset.filter(condition)
            if found.exists():
                return found, False
        return queryset.filter(to_address__startswith=term), False

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
        return obj.due_at if obj.status in MessageStatus.waiting() else None

    @display(description="subject", empty_value="-")
    def subject_shown(self, obj: Message) -> str | None:
        """Its own subject or opening words; of a template, the name: the rest is on its page."""
        version = obj.template_version
        text = obj.subject or (str(version) if version else self.text_shown(obj))
        return format_html('<span class="one-line" title="{0}">{0}</span>', text) if text else None

    @display(description="text")
    def text_shown(self, obj: Message) -> str:
        opening: str = getattr(obj, "opening", "").strip()
        return "" if obj.subject else opening

    @display(description="channel")
    def channel_type(self, obj: Message) -> str:
        return obj.provider.get_channel_type_display()

    @action(description="Show what was sent", icon="visibility", permissions=["view"])
    def shown(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect("admin:message_shown", row_id(object_id))


def known_by(term: str) -> Q:
    """Messages whose address or key is the term; each has an index."""
    found = Q(to_address__in={term, term.lower()})
    with contextlib.suppress(ValueError):
        found |= Q(key=uuid.UUID(term))
    return found
