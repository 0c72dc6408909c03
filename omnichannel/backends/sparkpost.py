from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest

from omnichannel.backends.anymail import AnymailBackend
from omnichannel.backends.anymail_webhook import AnymailWebhook, WebhookLogin, with_events
from omnichannel.backends.base import TrackingEvent
from omnichannel.backends.http import HttpForm
from omnichannel.backends.webhook_calls import text
from omnichannel.choices import EventType, Outcome

# Of bounces that say that the address does not exist. SparkPost tries again what is temporary by
# itself, so that any bounce is the end of its message.
HARD = {"10", "30"}


class SparkPostForm(HttpForm, WebhookLogin):
    subaccount = forms.CharField(required=False, max_length=20, help_text="Its number, if any.")


class SparkPost(AnymailWebhook, AnymailBackend):
    slug = "anymail-sparkpost"
    label = "SparkPost"
    esp = "anymail.backends.sparkpost.EmailBackend"
    service_url = "https://api.sparkpost.com/api/v1/"  # api.eu.sparkpost.com in Europe
    config_form = SparkPostForm
    webhook_help = (
        "At SparkPost under Webhooks: this address, basic authentication with the user "
        "and password of this provider, and every message and engagement event."
    )
    webhook_view = "anymail.webhooks.sparkpost.SparkPostTrackingWebhookView"
    statuses = with_events(
        injection=Outcome.ACCEPTED,
        delivery=Outcome.DELIVERED,
        delay=Outcome.TEMPORARY,
        bounce=Outcome.REJECTED,
        out_of_band=Outcome.REJECTED,
        policy_rejection=Outcome.REJECTED,
        generation_failure=Outcome.REJECTED,
        generation_rejection=Outcome.REJECTED,
        **dict.fromkeys(("open", "initial_open", "click", "spam_complaint"), ""),
        **dict.fromkeys(("list_unsubscribe", "link_unsubscribe"), ""),
    )
    documentation = "https://developers.sparkpost.com/api/#header-errors"

    def settings(self) -> Mapping[str, Any]:
        return {**super().settings(), "subaccount": self.option("subaccount")}

    def webhook_settings(self, secret: str, request: HttpRequest) -> Mapping[str, Any]:
        return {"webhook_secret": [secret], "track_initial_open_as_opened": False}

    def refined(self, event: TrackingEvent, said: Mapping[str, Any]) -> TrackingEvent:
        [found] = said["msys"].values()
        event = dataclasses.replace(
            event, code=text(found.get("type")), is_machine=found.get("is_prefetched") is True
        )
        is_bounce = event.type in (EventType.BOUNCED, EventType.FAILED)
        if is_bounce and event.code in ("bounce", "out_of_band"):
            is_hard = text(found.get("bounce_class")) in HARD
            kind = EventType.BOUNCED if is_hard else EventType.FAILED
            return dataclasses.replace(event, type=kind, outcome=Outcome.REJECTED)
        return event
