from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest

from omnichannel.backends.anymail import AnymailBackend
from omnichannel.backends.anymail_webhook import AnymailWebhook, webhook_key, with_events
from omnichannel.backends.http import HttpForm
from omnichannel.choices import Outcome


class MailtrapForm(HttpForm):
    sandbox_id = forms.CharField(
        required=False,
        max_length=20,
        help_text="To deliver into a Mailtrap sandbox: its number, and "
        "https://sandbox.api.mailtrap.io/api/ as the Service URL.",
    )
    webhook_secret: forms.Field = webhook_key(
        "Webhook signing secret", "At Mailtrap with the webhook, Signature Secret."
    )


class Mailtrap(AnymailWebhook, AnymailBackend):
    slug = "anymail-mailtrap"
    label = "Mailtrap"
    esp = "anymail.backends.mailtrap.EmailBackend"
    service_url = "https://send.api.mailtrap.io/api/"
    tracks = False  # the domain's settings decide
    uses = {"service_url": "Service URL", "app_key": "API token"}
    config_form = MailtrapForm
    webhook_help = (
        "At Mailtrap under Settings, Webhooks: this address, every event, format JSON; "
        "the signature secret goes into this provider."
    )
    webhook_view = "anymail.webhooks.mailtrap.MailtrapTrackingWebhookView"
    webhook_secrets = secret_fields = ("webhook_secret",)
    soft = frozenset({"soft bounce", "suspension"})
    statuses = with_events(
        delivery=Outcome.DELIVERED,
        bounce=Outcome.REJECTED,
        reject=Outcome.REJECTED,
        suspension=Outcome.TEMPORARY,
        **{"soft bounce": Outcome.TEMPORARY},
        **dict.fromkeys(("open", "click", "spam", "unsubscribe"), ""),
    )
    documentation = "https://docs.mailtrap.io/developers"

    def settings(self) -> Mapping[str, Any]:
        return {
            "api_token": self.config.app_key.strip(),
            "sandbox_id": self.option("sandbox_id"),
        }

    def webhook_settings(self, secret: str, request: HttpRequest) -> Mapping[str, Any]:
        return {"tracking_secret": secret}
