from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest

from omnichannel.backends.anymail import AnymailBackend
from omnichannel.backends.anymail_webhook import AnymailWebhook, webhook_key, with_events
from omnichannel.backends.http import HttpForm
from omnichannel.choices import Outcome


class MailerSendForm(HttpForm):
    webhook_secret: forms.Field = webhook_key(
        "Webhook signing secret", "At MailerSend with the webhook of the domain."
    )


class MailerSend(AnymailWebhook, AnymailBackend):
    slug = "anymail-mailersend"
    label = "MailerSend"
    esp = "anymail.backends.mailersend.EmailBackend"
    service_url = "https://api.mailersend.com/v1/"
    takes_metadata = False  # events are matched by MailerSend's own id
    uses = {"service_url": "Service URL", "app_key": "API token"}
    config_form = MailerSendForm
    webhook_help = (
        "At MailerSend on the page of your domain, Webhooks: this address, every event, "
        "and the signing secret goes into this provider."
    )
    webhook_view = "anymail.webhooks.mailersend.MailerSendTrackingWebhookView"
    webhook_secrets = secret_fields = ("webhook_secret",)
    webhook_code = ("data", "type")
    soft = frozenset({"soft_bounced"})
    statuses = with_events(
        delivered=Outcome.DELIVERED,
        soft_bounced=Outcome.TEMPORARY,
        hard_bounced=Outcome.REJECTED,
        **dict.fromkeys(("opened", "clicked", "unsubscribed", "spam_complaint"), ""),
    )
    documentation = "https://developers.mailersend.com/api/v1/email.html"

    def settings(self) -> Mapping[str, Any]:
        return {"api_token": self.config.app_key.strip(), "batch_send_mode": None}

    def webhook_settings(self, secret: str, request: HttpRequest) -> Mapping[str, Any]:
        return {"signing_secret": secret}
