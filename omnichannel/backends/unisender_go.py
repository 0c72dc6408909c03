from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from omnichannel.backends.anymail import AnymailBackend
from omnichannel.backends.anymail_webhook import AnymailWebhook, with_events
from omnichannel.backends.base import TrackingEvent
from omnichannel.choices import Outcome


class UnisenderGo(AnymailWebhook, AnymailBackend):
    slug = "anymail-unisender-go"
    label = "Unisender Go"
    esp = "anymail.backends.unisender_go.EmailBackend"
    required = ("service_url", "app_key")  # the URL depends on the account's data centre
    webhook_help = "At Unisender Go under Webhooks: this address, JSON, and every status."
    webhook_view = "anymail.webhooks.unisender_go.UnisenderGoTrackingWebhookView"
    webhook_methods = ("POST", "GET", "HEAD")  # it asks whether the address is there by GET
    webhook_secrets = ("app_key",)
    secret_fields = ()
    webhook_code = ("status",)
    statuses = with_events(
        delivered=Outcome.DELIVERED,
        soft_bounced=Outcome.TEMPORARY,
        hard_bounced=Outcome.REJECTED,
        **dict.fromkeys(("opened", "clicked", "unsubscribed", "subscribed", "spam"), ""),
    )
    documentation = "https://godocs.unisender.ru/web-api-ref"

    def settings(self) -> Mapping[str, Any]:
        return {
            **super().settings(),
            "generate_message_id": True,
            "workaround_display_name_bugs": True,
        }

    def webhook_settings(self, secret: str, request: HttpRequest) -> Mapping[str, Any]:
        return {"api_key": secret}

    def parse_webhook(self, request: HttpRequest) -> list[TrackingEvent]:
        return [] if request.method == "GET" else super().parse_webhook(request)
