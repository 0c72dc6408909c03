from __future__ import annotations

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from omnichannel.admin.base import (
    ChoicesDropdownFilter,
    RelatedDropdownFilter,
    StudioAdmin,
    TabularInline,
    display,
)
from omnichannel.admin.moments import MomentRangeFilter
from omnichannel.admin.paginator import CappedPaginator
from omnichannel.choices import EventType, MessageStatus
from omnichannel.models import MessageEvent

COLOURS = {
    EventType.DELIVERED: "success",
    EventType.OPENED: "success",
    EventType.CLICKED: "success",
    EventType.SENT: "info",
    EventType.QUEUED: "info",
    EventType.DEFERRED: "warning",
    EventType.UNSUBSCRIBED: "warning",
    EventType.BOUNCED: "danger",
    EventType.REJECTED: "danger",
    EventType.FAILED: "danger",
    EventType.COMPLAINED: "danger",
}


class ReadOnly:
    """Rows that only the product itself writes."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class MessageEventInline(ReadOnly, TabularInline):
    model = MessageEvent
    fields = ("type", "at", "message_status", "url", "code", "description", "by_machine")
    readonly_fields = fields
    verbose_name_plural = "message events"
    hide_title = True
    extra = 0
    per_page = 50

    @display(description="message status")
    def message_status(self, obj: MessageEvent) -> str:
        return dict(MessageStatus.choices).get(obj.status, obj.status)

    @display(description="by a machine")
    def by_machine(self, obj: MessageEvent) -> str:
        """In words: a red cross beside every event of a person looks like a fault."""
        return "Yes" if obj.is_machine else "-"


@admin.register(MessageEvent)
class MessageEventAdmin(ReadOnly, StudioAdmin):
    list_display = ("event", "at", "recipient", "provider", "code", "description", "url")
    list_display_links = None
    list_filter = (
        ("type", ChoicesDropdownFilter),
        ("at", MomentRangeFilter),
        ("provider", RelatedDropdownFilter),
        "is_machine",
    )
    list_select_related = ("message", "provider")
    search_fields = ("code",)
    search_help_text = "An address, or a code"
    paginator = CappedPaginator
    ordering = ("-at", "-id")
    sortable_by = ("at",)  # what has an index
    empty_hint = (
        "Nothing happened yet. Events appear here as messages are sent, opened and clicked."
    )

    @display(description="event", label=COLOURS)
    def event(self, obj: MessageEvent) -> tuple[str, str]:
        return obj.type, obj.get_type_display()

    @display(description="to")
    def recipient(self, obj: MessageEvent) -> str:
        url = reverse("admin:omnichannel_message_change", args=(obj.message_id,))
        return format_html('<a class="text-link" href="{}">{}</a>', url, obj.message.to_address)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[MessageEvent], search_term: str
    ) -> tuple[QuerySet[MessageEvent], bool]:
        term = search_term.strip()
        if term:
            queryset = queryset.filter(
                Q(message__to_address__in={term, term.lower()}) | Q(code=term)
            )
        return queryset, False
