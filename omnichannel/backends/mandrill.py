from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest

from omnichannel.backends.anymail import AnymailBackend
from omnichannel.backends.anymail_webhook import AnymailWebhook, webhook_key, with_events
from omnichannel.backends.http import HttpForm
from omnichannel.backends.http_answer import Answer
from omnichannel.choices import Outcome
from omnichannel.exceptions import ProviderRefused, SendError


class MandrillForm(HttpForm):
    webhook_secret: forms.Field = webhook_key(
        "Webhook key", "At Mandrill under Settings, Webhooks, Key: there once the webhook is made."
    )


class Mandrill(AnymailWebhook, AnymailBackend):
    slug = "anymail-mandrill"
    label = "Mandrill (Mailchimp Transactional)"
    esp = "anymail.backends.mandrill.EmailBackend"
    service_url = "https://mandrillapp.com/api/1.0"
    config_form = MandrillForm
    webhook_help = (
        "At Mandrill under Settings, Webhooks: this address and every event; then its key "
        "goes into this provider."
    )
    webhook_view = "anymail.webhooks.mandrill.MandrillTrackingWebhookView"
    webhook_secrets = secret_fields = ("webhook_secret",)
    soft = frozenset({"soft_bounce"})
    statuses = with_events(
        send=Outcome.ACCEPTED,
        deferral=Outcome.TEMPORARY,
        hard_bounce=Outcome.REJECTED,
        soft_bounce=Outcome.TEMPORARY,
        reject=Outcome.REJECTED,
        **dict.fromkeys(("open", "click", "spam", "unsub"), ""),
    )
    documentation = "https://mailchimp.com/developer/transactional/docs/error-glossary/"

    def judge(self, answer: Answer) -> SendError | None:
        # A wrong key is answered with 500, which would be tried again for ever.
        if "Invalid_Key" in answer.text:
            return ProviderRefused("Mandrill does not know this API key.", code="401")
        return None

    def webhook_settings(self, secret: str, request: HttpRequest) -> Mapping[str, Any]:
        # It signs the address that it was given, which a proxy may hide from us.
        base = settings.PUBLIC_URL
        url = base + request.get_full_path() if base else request.build_absolute_uri()
        return {"webhook_key": secret, "webhook_url": url}
