from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from omnichannel.backends.anymail_arrays import ArrayBackend, ArrayForm, as_answer
from omnichannel.backends.anymail_webhook import AnymailWebhook, WebhookLogin, with_events
from omnichannel.backends.base import OutgoingMessage, TrackingEvent
from omnichannel.backends.envelope import wire_address
from omnichannel.backends.http_answer import Answer
from omnichannel.choices import EventType, Outcome


class MailjetForm(ArrayForm, WebhookLogin):
    pass


class Mailjet(AnymailWebhook, ArrayBackend):
    slug = "anymail-mailjet"
    label = "Mailjet"
    esp = "anymail.backends.mailjet.EmailBackend"
    service_url = "https://api.mailjet.com/v3.1/"
    uses = {"service_url": "Service URL", "app_key": "API key", "app_password": "Secret key"}
    required = ("app_key", "app_password")
    config_form = MailjetForm
    webhook_help = (
        "At Mailjet under Account, Event notifications: this address with user:password@ "
        "before the host, and every event."
    )
    webhook_view = "anymail.webhooks.mailjet.MailjetTrackingWebhookView"
    statuses = with_events(
        delivered=Outcome.DELIVERED,
        bounce=Outcome.REJECTED,
        soft_bounce=Outcome.TEMPORARY,
        blocked=Outcome.REJECTED,
        **dict.fromkeys(("open", "click", "spam", "unsub"), ""),
    )
    documentation = "https://dev.mailjet.com/email/guides/send-api-v31/"
    array_path = "send"
    most_in_array = 50

    def settings(self) -> Mapping[str, Any]:
        return {**super().settings(), "secret_key": self.config.app_password.strip()}

    def array(self, bodies: Sequence[bytes]) -> bytes:
        # "Globals" are what a message has unless it says otherwise.
        messages = [
            {**whole["Globals"], **whole["Messages"][0]} for whole in map(json.loads, bodies)
        ]
        return json.dumps({"Messages": messages}).encode()

    def is_of(self, message: OutgoingMessage, answer: Answer) -> bool:
        [item] = answer.json()["Messages"]
        wanted = wire_address(message.to)[0].lower()
        return answer.status != 200 or item["To"][0]["Email"].lower() == wanted

    def is_refusal(self, answer: Answer) -> bool:
        return super().is_refusal(answer) and b'"Messages"' not in answer.body

    def answers(self, found: Any, status: int) -> list[Answer]:
        # Bad messages do not keep the others from being sent: the status may be 400 all the same.
        if status >= 500:
            raise ValueError("an error at the provider")
        return [
            as_answer(200 if item["Status"] == "success" else 400, {"Messages": [item]})
            for item in found["Messages"]
        ]

    def refined(self, event: TrackingEvent, said: Mapping[str, Any]) -> TrackingEvent:
        if event.code == "sent":  # by Mailjet to the receiving server; ours is what "sent" is else
            return dataclasses.replace(event, code="delivered")
        if event.code == "bounce" and said.get("hard_bounce") is not True:
            return dataclasses.replace(
                event, type=EventType.BOUNCED, outcome=Outcome.TEMPORARY, code="soft_bounce"
            )
        return event
