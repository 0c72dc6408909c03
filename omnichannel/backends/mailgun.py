from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone

from omnichannel.backends.anymail import AnymailBackend
from omnichannel.backends.anymail_webhook import AnymailWebhook, webhook_key, with_events
from omnichannel.backends.base import TrackingEvent
from omnichannel.backends.http import HttpForm
from omnichannel.backends.webhook_calls import json_of
from omnichannel.choices import Outcome
from omnichannel.exceptions import ForgedWebhook, InvalidWebhook

MAX_AGE = 24 * 60 * 60  # seconds; Mailgun tries for eight hours, with the signature of the first


class MailgunForm(HttpForm):
    sender_domain = forms.CharField(
        required=False,
        max_length=253,
        help_text="The domain set up at Mailgun. Empty: that of the From Address.",
    )
    webhook_secret: forms.Field = webhook_key(
        "Webhook signing key", "At Mailgun under API security, HTTP webhook signing key."
    )


class Mailgun(AnymailWebhook, AnymailBackend):
    slug = "anymail-mailgun"
    label = "Mailgun"
    esp = "anymail.backends.mailgun.EmailBackend"
    service_url = "https://api.mailgun.net/v3"  # https://api.eu.mailgun.net/v3 for Europe
    config_form = MailgunForm
    webhook_help = (
        "At Mailgun under Send, Webhooks, for each event: this address; the HTTP webhook "
        "signing key goes into this provider."
    )
    webhook_view = "anymail.webhooks.mailgun.MailgunTrackingWebhookView"
    webhook_secrets = secret_fields = ("webhook_secret",)
    webhook_code = ("event-data", "event")
    statuses = with_events(
        accepted=Outcome.ACCEPTED,
        delivered=Outcome.DELIVERED,
        failed_temporary=Outcome.TEMPORARY,
        **dict.fromkeys(("opened", "clicked", "unsubscribed", "complained"), ""),
    )
    documentation = "https://documentation.mailgun.com/docs/mailgun/api-reference/"

    def settings(self) -> Mapping[str, Any]:
        return {**super().settings(), "sender_domain": self.option("sender_domain")}

    def webhook_settings(self, secret: str, request: HttpRequest) -> Mapping[str, Any]:
        return {"api_key": None, "webhook_signing_key": secret}

    def verify(self, secret: str, request: HttpRequest) -> None:
        # The signature covers a token and a time, not the body: https and the address protect it.
        if request.content_type != "application/json":
            raise InvalidWebhook("This is a legacy webhook: make a new one at Mailgun.")
        age = timezone.now().timestamp() - float(json_of(request)["signature"]["timestamp"])
        if not abs(age) <= MAX_AGE:
            raise ForgedWebhook("The call is older than a day.")

    def refined(self, event: TrackingEvent, said: Mapping[str, Any]) -> TrackingEvent:
        data = said["event-data"]
        is_soft = event.code == "failed" and data.get("severity") == "temporary"
        return dataclasses.replace(
            event,
            code="failed_temporary" if is_soft else event.code,
            is_machine=bool((data.get("client-info") or {}).get("bot")),
        )
