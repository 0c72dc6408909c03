"""What every list of messages shares: light rows, the search, and how a message is named."""

from __future__ import annotations

import contextlib
import uuid

from django.db.models import Q, QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest
from django.utils.html import format_html

from omnichannel.admin.base import StudioAdmin, display
from omnichannel.admin.paginator import CappedPaginator
from omnichannel.choices import MessageStatus
from omnichannel.models import Message

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
SHOWN = 120  # characters of a subject or a text


class MessageList(StudioAdmin):
    list_select_related: tuple[str, ...] = ("provider", "template_version__template")
    search_fields = ("to_address",)
    search_help_text = "Address, message key, External Id"
    paginator = CappedPaginator
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        rows = super().get_queryset(request).defer(*_HEAVY)
        return rows.annotate(opening=Left("body_text", SHOWN))

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


def known_by(term: str) -> Q:
    """Messages whose address or key is the term; each has an index."""
    found = Q(to_address__in={term, term.lower()})
    with contextlib.suppress(ValueError):
        found |= Q(key=uuid.UUID(term))
    return found
