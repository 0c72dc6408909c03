"""Pepipost, today Netcore Email: its API v5.1.

One message a call: that a call with several recipients is taken whole or not at all is nowhere
documented. https://emaildocs.netcorecloud.com/reference/api-integration
"""

from __future__ import annotations

import base64
from functools import cached_property, partial
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.http import HttpRequest
from django.utils.html import escape

from omnichannel.backends import netcore_events
from omnichannel.backends.base import OutgoingMessage, Result, Status, TrackingEvent
from omnichannel.backends.envelope import refuse_bad_addresses, refuse_unsafe, sender_of
from omnichannel.backends.http import HttpBackend, HttpForm, Judge, refusal
from omnichannel.backends.http_answer import Answer
from omnichannel.backends.http_request import RequestHead
from omnichannel.backends.sendgrid_payload import as_json
from omnichannel.backends.vendor_values import text_of
from omnichannel.choices import Outcome
from omnichannel.exceptions import OutcomeUnknown, Rejected

TAKEN = (200, 201, 202)
HELD = 202

HTTP_STATUSES = (
    Status("200", "OK", Outcome.ACCEPTED, "The provider took the message."),
    Status("201", "CREATED", Outcome.ACCEPTED, "The provider took the message."),
    Status(
        "202",
        "ACCEPTED, HELD",
        Outcome.ACCEPTED,
        "Taken, but held at the provider, for instance over the daily limit of the account.",
    ),
    Status("400", "BAD REQUEST", Outcome.REJECTED, "Something in the message is not allowed."),
    Status("401", "UNAUTHORIZED", Outcome.AUTH, "The API key is wrong."),
    Status("403", "FORBIDDEN", Outcome.AUTH, "The key may not do this, or the sender is unknown."),
    Status("404", "NOT FOUND", Outcome.AUTH, "The Service URL is wrong."),
    Status("405", "METHOD NOT ALLOWED", Outcome.AUTH, "The Service URL is wrong."),
    Status("429", "TOO MANY REQUESTS", Outcome.THROTTLED, "The provider asks to slow down."),
    Status("500", "SERVER ERROR", Outcome.TEMPORARY, "An error at the provider."),
    Status("503", "SERVICE UNAVAILABLE", Outcome.TEMPORARY, "The provider is not available."),
)


class PepipostForm(HttpForm):
    ip_pool = forms.RegexField(
        r"^[!-~]*$",
        label="IP pool",
        required=False,
        max_length=64,
        help_text="Empty: the account's own.",
        error_messages={"invalid": "Write the pool's name without spaces."},
    )


class Pepipost(HttpBackend):
    slug = "pepipost"
    label = "Pepipost (Netcore Email)"
    uses = {"service_url": "Service URL", "app_key": "API key"}
    required = ("app_key",)
    config_form = PepipostForm
    documentation = "https://emaildocs.netcorecloud.com/reference/api-integration"
    note = (
        "Pepipost does not sign its events: whoever knows the webhook address can invent some, so "
        "treat it as a secret."
    )
    statuses = (*HTTP_STATUSES, *netcore_events.STATUSES)
    service_url = "https://emailapi.netcorecloud.net/v5.1"  # or https://api.pepipost.com/v5.1
    receives = True
    tracks = True

    def pack(self, message: OutgoingMessage) -> tuple[bytes, Judge]:
        refuse_unsafe(message, self.config)
        refuse_bad_addresses(message, self.config)
        if not (message.html or message.text):
            raise Rejected("The message has no content.")
        return self._head.with_body(as_json(self._payload(message))), partial(_result, message)

    def check(self) -> str:
        answer = self.fleet.ask(RequestHead(self.fleet.peer, "GET", self.url + "/", {}).with_body())
        return (
            f"{urlsplit(self.url).hostname} is there (HTTP {answer.status}). Whether the API key "
            "is right only a test message can tell."
        )

    def parse_webhook(self, request: HttpRequest) -> list[TrackingEvent]:
        return netcore_events.events_of(request)

    @cached_property
    def _head(self) -> RequestHead:
        headers = {"api_key": self.config.app_key.strip(), "Content-Type": "application/json"}
        return RequestHead(self.fleet.peer, "POST", self.url + "/mail/send", headers)

    def _payload(self, message: OutgoingMessage) -> dict[str, Any]:
        address, name = sender_of(message, self.config)
        payload: dict[str, Any] = {
            "from": {"email": address, "name": name} if name else {"email": address},
            "subject": message.subject,
            "content": [{"type": "html", "value": html_of(message)}],
            "personalizations": [_recipients(message)],
            "settings": {
                "open_track": self.config.track_opens,
                "click_track": self.config.track_clicks,
                "unsubscribe_track": False,  # its link would stand beside our own
                "footer": False,
            },
        }
        if pool := self.config.options.get("ip_pool"):
            payload["settings"]["ip_pool"] = pool
        if message.reply_to:
            payload["reply_to"] = message.reply_to
        if message.attachments:
            payload["attachments"] = [
                {"name": part.name, "content": base64.b64encode(part.content).decode()}
                for part in message.attachments
            ]
        return payload


def html_of(message: OutgoingMessage) -> str:
    """The API has no place for plain text."""
    if message.html:
        return message.html
    return f'<div style="white-space: pre-wrap">{escape(message.text)}</div>'


def _recipients(message: OutgoingMessage) -> dict[str, Any]:
    """`token_to` comes back in every event as X-APIHEADER."""
    result: dict[str, Any] = {"to": [{"email": message.to}], "token_to": message.key}
    for kind, addresses in (("cc", message.cc), ("bcc", message.bcc)):
        if addresses:
            result[kind] = [{"email": address} for address in addresses]
    if message.headers:
        result["headers"] = dict(message.headers)
    return result


def _result(message: OutgoingMessage, answer: Answer) -> Result:
    """Raises SendError."""
    text = " ".join(answer.text.split())[:500] or answer.reason
    if answer.status >= 300:
        raise refusal(answer, text)
    if answer.status not in TAKEN:
        raise OutcomeUnknown(f"Pepipost answered {answer.status}: {text}")
    said = _said(answer)
    if answer.status != HELD and said.get("status") != "success":
        raise OutcomeUnknown(f"The answer does not say that it was taken: {text}")
    data = said.get("data")
    return Result(
        message.key,
        Outcome.ACCEPTED,
        code=str(answer.status),
        text="Taken, but held at Pepipost." if answer.status == HELD else "Accepted by Pepipost.",
        external_id=text_of(data.get("message_id"), 255) if isinstance(data, dict) else "",
    )


def _said(answer: Answer) -> dict[str, Any]:
    try:
        said = answer.json()
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
