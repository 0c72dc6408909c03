from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from omnichannel.backends.anymail import AnymailBackend
from omnichannel.backends.anymail_webhook import AnymailWebhook, WebhookLogin, with_events
from omnichannel.backends.base import TrackingEvent
from omnichannel.backends.http import HttpForm
from omnichannel.choices import Outcome


class BrevoForm(HttpForm, WebhookLogin):
    pass


class Brevo(AnymailWebhook, AnymailBackend):
    slug = "anymail-brevo"
    label = "Brevo"
    esp = "anymail.backends.brevo.EmailBackend"
    service_url = "https://api.brevo.com/v3/"
    tracks = False  # the account decides
    config_form = BrevoForm
    webhook_help = (
        "At Brevo under Transactional, Settings, Webhook: this address with "
        "user:password@ before the host, and every event."
    )
    webhook_view = "anymail.webhooks.brevo.BrevoTrackingWebhookView"
    soft = frozenset({"soft_bounce", "deferred"})
    statuses = with_events(
        request=Outcome.ACCEPTED,
        delivered=Outcome.DELIVERED,
        hard_bounce=Outcome.REJECTED,
        soft_bounce=Outcome.TEMPORARY,
        blocked=Outcome.REJECTED,
        invalid_email=Outcome.REJECTED,
        deferred=Outcome.TEMPORARY,
        error=Outcome.REJECTED,
        **dict.fromkeys(("spam", "opened", "unique_opened", "click", "unsubscribe"), ""),
    )
    documentation = "https://developers.brevo.com/reference/sendtransacemail"

    def settings(self) -> Mapping[str, Any]:
        return {
            **super().settings(),
            "workaround_display_name_bugs": True,
            "prevent_header_encoding_bugs": True,
        }

    def refined(self, event: TrackingEvent, said: Mapping[str, Any]) -> TrackingEvent:
        return dataclasses.replace(event, is_machine="proxy_open" in event.code)
