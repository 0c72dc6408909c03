from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest

from omnichannel.backends.anymail import AnymailBackend
from omnichannel.backends.anymail_webhook import AnymailWebhook, webhook_key, with_events
from omnichannel.backends.base import TrackingEvent
from omnichannel.backends.http import HttpForm
from omnichannel.backends.http_answer import Answer
from omnichannel.choices import EventType, Outcome
from omnichannel.exceptions import ProviderRefused, Rejected, SendError


class PostalForm(HttpForm):
    webhook_key: forms.Field = webhook_key(
        "Webhook public key",
        "On the Postal server: `postal default-dkim-record` shows it after p=.",
    )


class Postal(AnymailWebhook, AnymailBackend):
    slug = "anymail-postal"
    label = "Postal (self-hosted)"
    esp = "anymail.backends.postal.EmailBackend"
    tracks = False  # the server decides
    takes_metadata = False  # events are matched by Postal's own id
    required = ("service_url", "app_key")
    config_form = PostalForm
    webhook_help = (
        "In Postal on the page of the mail server, Webhooks: this address, every event, "
        "and signing switched on."
    )
    webhook_view = "anymail.webhooks.postal.PostalTrackingWebhookView"
    webhook_secrets = ("webhook_key",)
    secret_fields = ()
    statuses = with_events(
        MessageSent=Outcome.DELIVERED,
        MessageDelayed=Outcome.TEMPORARY,
        MessageDeliveryFailed=Outcome.REJECTED,
        MessageHeld=Outcome.ACCEPTED,
        MessageBounced=Outcome.REJECTED,
        **dict.fromkeys(("MessageLinkClicked", "MessageLoaded"), ""),
    )
    documentation = "https://docs.postalserver.io/developer/api"

    def judge(self, answer: Answer) -> SendError | None:
        # Failures come with status 200: {"status": "error", "data": {"code", "message"}}
        try:
            found = answer.json()
            if found["status"] not in ("error", "parameter-error"):
                return None
            code, text = str(found["data"].get("code", "")), str(found["data"].get("message", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        if code in ("AccessDenied", "InvalidServerAPIKey", "ServerSuspended"):
            return ProviderRefused(f"{code}: {text}", code=code)
        return Rejected(f"{code}: {text}", code=code)

    def webhook_settings(self, secret: str, request: HttpRequest) -> Mapping[str, Any]:
        return {"webhook_key": secret}

    def refined(self, event: TrackingEvent, said: Mapping[str, Any]) -> TrackingEvent:
        if event.code == "MessageLoaded":
            return dataclasses.replace(event, type=EventType.OPENED)
        return event
