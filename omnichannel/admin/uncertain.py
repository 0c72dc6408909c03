"""Uncertain messages: the list where each is settled."""

from __future__ import annotations

import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from omnichannel import uncertain
from omnichannel.admin.base import (
    AutocompleteSelectFilter,
    ChoicesDropdownFilter,
    DropdownFilter,
    RelatedDropdownFilter,
    display,
    row_id,
)
from omnichannel.admin.events import ReadOnly
from omnichannel.admin.look_ups import LookUps
from omnichannel.admin.message_list import MessageList
from omnichannel.choices import MessageStatus
from omnichannel.models import Message, UncertainMessage
from omnichannel.models.messages import TROUBLE, OneOf

HOUR = datetime.timedelta(hours=1)
AGES = {
    "hour": ("Longer than an hour", HOUR),
    "day": ("Longer than a day", 24 * HOUR),
    "week": ("Longer than a week", 7 * 24 * HOUR),
}


class AgeFilter(DropdownFilter):
    title = "uncertain for"
    parameter_name = "age"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        ages = [(key, label) for key, (label, _) in AGES.items()]
        return [("overdue", "Longer than its limit"), *ages]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        at = timezone.now()
        if self.value() == "overdue":
            return queryset.filter(pk__in=uncertain.overdue(at).values("pk"))
        if self.value() in AGES:
            return queryset.filter(since__lte=at - AGES[str(self.value())][1])
        return queryset


@admin.register(UncertainMessage)
class UncertainAdmin(ReadOnly, LookUps, MessageList):
    list_display = (
        "recipient",
        "subject_shown",
        "waiting_for",
        "by_itself",
        "provider",
        "category",
        "job",
    )
    list_display_links = None
    sortable_by = ()
    list_filter = (
        AgeFilter,
        ("provider", RelatedDropdownFilter),
        ("category", ChoicesDropdownFilter),
        ("job", AutocompleteSelectFilter),
    )
    list_select_related = ("provider", "template_version__template", "job")
    list_before_template = "admin/omnichannel/uncertain_hint.html"
    ordering = ("id",)  # the oldest first
    actions = ("mark_sent_selected", "send_again_selected", "look_up_selected")
    actions_row = ("mark_sent", "send_again")
    actions_detail = ()
    empty_title = "Nothing is uncertain"
    empty_hint = (
        "Of everything that was handed over, the outcome is known. A message comes here when a "
        "connection broke or a worker died before the answer came."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).filter(OneOf(TROUBLE), status=MessageStatus.UNCERTAIN)
        return rows.annotate(since=uncertain.SINCE)

    def has_view_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return request.user.has_perm("omnichannel.view_message")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def change_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """A message has one page, with its events and its steps."""
        return redirect("admin:omnichannel_message_change", row_id(object_id))

    def page_after(self, object_id: str) -> str:
        return reverse("admin:omnichannel_uncertainmessage_changelist")

    @display(description="to")
    def recipient(self, obj: Message) -> str:
        url = reverse("admin:omnichannel_message_change", args=(obj.pk,))
        return format_html('<a class="text-link one-line" href="{}">{}</a>', url, obj.to_address)

    @display(description="uncertain for", label={"overdue": "danger", "": "warning"})
    def waiting_for(self, obj: Any) -> tuple[str, str]:
        age = timezone.now() - obj.since
        kind = "overdue" if age >= uncertain.limit_of(obj.provider) else ""
        return kind, in_words(age)

    @display(description="by itself")
    def by_itself(self, obj: Message) -> str:
        text = uncertain.what_happens(obj, timezone.now())
        return "Held" if text == uncertain.HELD else text


def in_words(age: datetime.timedelta) -> str:
    """Its two largest units."""
    minutes = max(0, int(age.total_seconds() // 60))
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, "d"), (hours, "h"), (0 if days else minutes, "min")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 min"


def badge(request: HttpRequest) -> str:
    """How many there are, for the menu; empty when there are none."""
    found = uncertain.recent_count()
    return f"{found:,}" if found else ""
