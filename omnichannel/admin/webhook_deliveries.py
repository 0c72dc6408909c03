"""What other systems were told, call by call."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from omnichannel import outgoing_webhooks
from omnichannel.admin.base import (
    ChoicesDropdownFilter,
    RelatedDropdownFilter,
    StudioAdmin,
    action,
    badge,
    display,
    row_id,
)
from omnichannel.admin.events import ReadOnly
from omnichannel.admin.moments import MomentRangeFilter
from omnichannel.admin.outgoing_webhooks import SECRETS
from omnichannel.admin.paginator import CappedPaginator
from omnichannel.choices import WebhookStatus
from omnichannel.models import Message, WebhookDelivery

COLOURS = {
    WebhookStatus.WAITING: "info",
    WebhookStatus.FAILED: "warning",
    WebhookStatus.DELIVERED: "success",
    WebhookStatus.GIVEN_UP: "danger",
}
AGAIN_DIALOG = {
    "title": "Send again",
    "description": "The same event goes out once more, under the same id: a system that keeps "
    "count of ids knows it. It goes at the next tick, when the webhook works.",
    "form_submit_text": "Send again",
}


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnly, StudioAdmin):
    list_display = ("event", "state", "webhook", "created_at", "attempts", "result")
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("webhook", RelatedDropdownFilter),
        ("type", ChoicesDropdownFilter),
        ("created_at", MomentRangeFilter),
    )
    list_select_related = ("webhook",)
    search_fields = ("event_id",)
    search_help_text = "An event's id (msg_...), an address or the number of a message"
    paginator = CappedPaginator
    ordering = ("-id",)
    sortable_by = ()
    actions = ("send_again_selected",)
    actions_detail = ("send_again",)
    fields = (
        *(("type", "webhook"), ("state_now", "event_id"), ("created_at", "last_attempt_at")),
        *(("attempts", "due_at"), "result", "message_link", "payload"),
    )
    readonly_fields = ("state_now", "result", "message_link", "payload")
    empty_hint = (
        "Nothing was told yet. Each event that an outgoing webhook wants is a row here, with what "
        "the other system answered."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        hidden = (f"webhook__{name}" for name in SECRETS)
        return super().get_queryset(request).select_related("webhook").defer(*hidden)

    @display(description="event", ordering="type")
    def event(self, obj: WebhookDelivery) -> str:
        return obj.get_type_display()

    @display(description="status", label=COLOURS)
    def state(self, obj: WebhookDelivery) -> tuple[str, str]:
        return obj.status, obj.get_status_display()

    @admin.display(description="status")
    def state_now(self, obj: WebhookDelivery) -> str:
        return badge(COLOURS[WebhookStatus(obj.status)], obj.get_status_display())

    @display(description="answer")
    def result(self, obj: WebhookDelivery) -> str:
        told = " ".join(filter(None, (obj.code, obj.answer))) or "-"
        return format_html('<span class="webhook-answer" title="{0}">{0}</span>', told)

    @admin.display(description="message")
    def message_link(self, obj: WebhookDelivery) -> str:
        if obj.message_id is None:
            return "-"
        text = f"Message {obj.message_id} to {obj.address}"
        if not Message.objects.filter(pk=obj.message_id).exists():
            return f"{text} (deleted)"
        url = reverse("admin:omnichannel_message_change", args=(obj.message_id,))
        return format_html('<a class="text-link" href="{}">{}</a>', url, text)

    @admin.display(description="payload")
    def payload(self, obj: WebhookDelivery) -> str:
        shown = json.dumps(json.loads(obj.body), indent=2, ensure_ascii=False)
        return format_html('<pre class="webhook-payload">{}</pre>', shown)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[WebhookDelivery], search_term: str
    ) -> tuple[QuerySet[WebhookDelivery], bool]:
        term = search_term.strip()
        if term:
            found = Q(event_id=term) | Q(address=term.lower())
            if term.isascii() and term.isdigit() and len(term) < 19:
                found |= Q(message_id=int(term))
            queryset = queryset.filter(found)
        return queryset, False

    def has_resend_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        if not request.user.has_perm("omnichannel.resend_webhookdelivery"):
            return False
        if request.method == "POST" or not object_id:
            return True
        tried = WebhookDelivery.objects.exclude(status=WebhookStatus.WAITING)
        return tried.filter(pk=row_id(object_id)).exists()

    @action(description="Send again", icon="replay", permissions=["resend"], dialog=AGAIN_DIALOG)
    def send_again(self, request: HttpRequest, form: forms.Form, object_id: str) -> HttpResponse:
        row = WebhookDelivery.objects.filter(pk=row_id(object_id))
        count = outgoing_webhooks.send_again(row, at=timezone.now())
        page = reverse("admin:omnichannel_webhookdelivery_change", args=(row_id(object_id),))
        return self.done(request, "It goes again." if count else "It waits already.", page)

    @admin.action(description="Send again", permissions=["resend"])
    def send_again_selected(
        self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]
    ) -> None:
        chosen = WebhookDelivery.objects.filter(pk__in=queryset.order_by().values("pk"))
        count = outgoing_webhooks.send_again(chosen, at=timezone.now())
        messages.success(request, f"{count:,} go{'es' if count == 1 else ''} again.")
