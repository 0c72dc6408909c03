from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django import forms

from omnichannel.backends.anymail_arrays import ArrayBackend, ArrayForm, as_answer
from omnichannel.backends.anymail_webhook import AnymailWebhook, WebhookLogin, with_events
from omnichannel.backends.base import TrackingEvent
from omnichannel.backends.http_answer import Answer
from omnichannel.backends.webhook_calls import text
from omnichannel.choices import EventType, Outcome


class PostmarkForm(ArrayForm, WebhookLogin):
    message_stream = forms.CharField(
        required=False, max_length=100, help_text="Empty: “outbound”, the transactional one."
    )


class Postmark(AnymailWebhook, ArrayBackend):
    slug = "anymail-postmark"
    label = "Postmark"
    esp = "anymail.backends.postmark.EmailBackend"
    service_url = "https://api.postmarkapp.com/"
    uses = {"service_url": "Service URL", "app_key": "Server token"}
    config_form = PostmarkForm
    webhook_help = (
        "At Postmark on the page of the message stream, Webhooks: this address with "
        "user:password@ before the host, and every event."
    )
    webhook_view = "anymail.webhooks.postmark.PostmarkTrackingWebhookView"
    webhook_code = ("RecordType",)
    statuses = with_events(
        Delivery=Outcome.DELIVERED,
        HardBounce=Outcome.REJECTED,
        SoftBounce=Outcome.TEMPORARY,
        Transient=Outcome.TEMPORARY,
        DnsError=Outcome.TEMPORARY,
        Blocked=Outcome.REJECTED,
        BadEmailAddress=Outcome.REJECTED,
        **dict.fromkeys(("Open", "Click", "SpamComplaint", "SubscriptionChange"), ""),
    )
    documentation = "https://postmarkapp.com/developer/api/overview#error-codes"
    array_path = "email/batch"
    most_in_array = 500

    def settings(self) -> Mapping[str, Any]:
        return {
            "server_token": self.config.app_key.strip(),
            "message_stream": self.option("message_stream"),
            "use_bulk_api": False,
            "generate_message_id": False,
        }

    def answers(self, found: Any, status: int) -> list[Answer]:
        # 200 even when single messages are refused; the order is that of the request.
        # https://postmarkapp.com/developer/user-guide/send-email-with-api/batch-emails
        if status != 200 or not isinstance(found, list):
            raise ValueError("not an answer to a batch")
        return [as_answer(422 if item.get("ErrorCode") else 200, item) for item in found]

    def refined(self, event: TrackingEvent, said: Mapping[str, Any]) -> TrackingEvent:
        if event.code == "Bounce":
            event = dataclasses.replace(event, code=text(said.get("Type")) or "Bounce")
        if event.code == "SoftBounce":
            event = dataclasses.replace(event, type=EventType.BOUNCED, outcome=Outcome.TEMPORARY)
        if event.code == "Transient" or event.code == "DnsError":
            event = dataclasses.replace(event, outcome=Outcome.TEMPORARY)
        return event
