"""The Webhook section of a provider's page, and the list of events that belong to no message."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html

from omnichannel import backends, endpoints
from omnichannel.admin.base import (
    ChoicesDropdownFilter,
    DropdownFilter,
    RelatedDropdownFilter,
    StudioAdmin,
    action,
    display,
    row_id,
)
from omnichannel.admin.events import COLOURS, ReadOnly
from omnichannel.admin.moments import MomentRangeFilter
from omnichannel.admin.paginator import CappedPaginator
from omnichannel.crypto import SecretUnreadable
from omnichannel.links import public_url
from omnichannel.models import ChannelProvider, ReceivedEvent, WebhookEndpoint

RENEW_DIALOG = {
    "title": "Renew the webhook's address",
    "description": "The vendor's calls to the present address are refused from now on: give the "
    "vendor the new one at once. What it could not tell meanwhile it tells again.",
    "form_submit_text": "Renew",
}


class WebhookSection(StudioAdmin):
    """For the page of a provider whose vendor calls us."""

    def webhook_fields(
        self, request: HttpRequest, provider: ChannelProvider | None
    ) -> tuple[str, ...]:
        """Only who may change the provider sees the address: it is a secret."""
        if provider is None or not endpoints.receives(provider):
            return ()
        if self.has_change_permission(request, provider):
            return ("takes_calls", "webhook_address", "webhook_record")
        return ("webhook_record",)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What a vendor told of no message goes with its provider, though nobody edits it."""
        rows, counts, missing, protected = super().get_deleted_objects(objs, request)
        return rows, counts, set(missing) - {ReceivedEvent._meta.verbose_name}, protected

    @admin.display(description="address")
    def webhook_address(self, obj: ChannelProvider) -> str:
        endpoint = WebhookEndpoint.objects.filter(provider=obj).first()
        if endpoint is None:  # looking at a page changes nothing
            return "Save the provider once more: then it has one."
        try:
            path = endpoints.path_of(endpoint)
        except SecretUnreadable:
            return "It cannot be read with the present keys: renew it."
        backend = backends.get(obj.backend)
        context = {
            "url": public_url() + path,
            "warning": warning(),
            "help": backend.webhook_help if backend else "",
            "is_unsigned": backend is not None and not backend.webhook_secrets,
        }
        return render_to_string("admin/omnichannel/webhook_address.html", context)

    @admin.display(description="calls")
    def webhook_record(self, obj: ChannelProvider) -> str:
        unmatched = ReceivedEvent.objects.filter(provider=obj, due_at__isnull=True)
        context = {
            "endpoint": WebhookEndpoint.objects.filter(provider=obj).first(),
            "unmatched": unmatched.order_by()[:1000].count(),
            "list": reverse("admin:omnichannel_receivedevent_changelist"),
            "provider": obj,
        }
        return render_to_string("admin/omnichannel/webhook_record.html", context)

    def has_renew_webhook_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        may = self.has_change_permission(request)
        if not may or not object_id:
            return may
        provider = ChannelProvider.objects.filter(pk=row_id(object_id)).only("backend").first()
        return provider is not None and endpoints.receives(provider)

    @action(
        description="Renew webhook address",
        icon="key",
        permissions=["renew_webhook"],
        dialog=RENEW_DIALOG,
    )
    def renew_webhook(self, request: HttpRequest, form: forms.Form, object_id: str) -> HttpResponse:
        endpoints.renew(ChannelProvider(pk=row_id(object_id)))
        page = reverse("admin:omnichannel_channelprovider_change", args=(object_id,))
        text = "The webhook has a new address: give it to the vendor."
        return self.done(request, text, page)


def warning() -> str:
    """Why no vendor can reach us as we are set up; empty when one may."""
    host = urlsplit(public_url()).hostname or ""
    if not settings.PUBLIC_URL:
        return "PUBLIC_URL is not set: no vendor can reach this machine. Set it to its address."
    if host == "localhost" or _is_loopback(host):
        return "PUBLIC_URL names this machine only: no vendor can reach it."
    if not settings.IS_HTTPS:
        return "PUBLIC_URL is not https: whoever listens can read what vendors tell."
    return ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class StateFilter(DropdownFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("unmatched", "Unmatched"), ("waiting", "Waiting")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in ("unmatched", "waiting"):
            return queryset.filter(due_at__isnull=self.value() == "unmatched")
        return queryset


@admin.register(ReceivedEvent)
class ReceivedEventAdmin(ReadOnly, StudioAdmin):
    list_display = ("event", "state", "at", "provider", "about", "words")
    list_display_links = None
    list_filter = (
        StateFilter,
        ("provider", RelatedDropdownFilter),
        ("type", ChoicesDropdownFilter),
        ("received_at", MomentRangeFilter),
    )
    list_select_related = ("provider",)
    search_fields = ("external_id",)
    search_help_text = "An address, an External Id or an event's id"
    paginator = CappedPaginator
    ordering = ("-id",)
    sortable_by = ()
    empty_title = "Every event has its message"
    empty_hint = (
        "What vendors tell by webhook is with its message. An event waits here when its message is "
        "still being sent, and stays for a while when it belongs to none of ours."
    )

    @display(description="event", label=COLOURS)
    def event(self, obj: ReceivedEvent) -> tuple[str, str]:
        return obj.type, obj.get_type_display()

    @display(description="state", label={"waiting": "info", "unmatched": "warning"})
    def state(self, obj: ReceivedEvent) -> tuple[str, str]:
        return ("waiting", "Waiting") if obj.due_at else ("unmatched", "Unmatched")

    @display(description="address or External Id")
    def about(self, obj: ReceivedEvent) -> str:
        shown = obj.address or obj.external_id or obj.key or "-"
        return format_html('<span class="one-line" title="{}">{}</span>', obj.external_id, shown)

    @display(description="what was told")
    def words(self, obj: ReceivedEvent) -> str:
        told = " ".join(filter(None, (obj.code, obj.description))) or "-"
        return format_html('<span class="one-line" title="{0}">{0}</span>', told)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ReceivedEvent], search_term: str
    ) -> tuple[QuerySet[ReceivedEvent], bool]:
        term = search_term.strip()
        if term:
            queryset = queryset.filter(
                Q(address__in={term, term.lower()}) | Q(external_id=term) | Q(event_id=term)
            )
        return queryset, False
