"""Falconide, the older e-mail API of Netcore: one parameter `data` that holds a JSON document.

Its table of errors, and what it wants of attachments, copies in Bcc and further headers, is not
public: what is not known is refused or left out, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property, partial
from typing import Any
from urllib.parse import quote, urlsplit

from django.http import HttpRequest

from omnichannel.backends import netcore_events
from omnichannel.backends.base import OutgoingMessage, Result, Status, TrackingEvent
from omnichannel.backends.envelope import refuse_bad_addresses, refuse_unsafe, sender_of
from omnichannel.backends.http import HttpBackend, HttpForm, Judge, refusal
from omnichannel.backends.http_answer import Answer
from omnichannel.backends.http_request import RequestHead
from omnichannel.backends.pepipost import html_of
from omnichannel.backends.sendgrid_payload import as_json
from omnichannel.backends.vendor_values import text_of
from omnichannel.choices import Outcome
from omnichannel.exceptions import OutcomeUnknown, ProviderRefused, Rejected, TemporaryError

TAKEN = "0"
# The code of a wrong key is not public. Taken for a message's fault, it would fail them all.
ABOUT_THE_KEY = re.compile(r"api.?key|authent|unauthori[sz]ed|not authori[sz]ed", re.IGNORECASE)

STATUSES = (
    Status(TAKEN, "SUCCESS", Outcome.ACCEPTED, "The provider took the message."),
    Status("400", "BAD REQUEST", Outcome.REJECTED, "Something in the message is not allowed."),
    Status("401", "UNAUTHORIZED", Outcome.AUTH, "The API key is wrong."),
    Status("403", "FORBIDDEN", Outcome.AUTH, "The API key is wrong."),
    Status("404", "NOT FOUND", Outcome.AUTH, "The Service URL is wrong."),
    Status("429", "TOO MANY REQUESTS", Outcome.THROTTLED, "The provider asks to slow down."),
    Status("500", "SERVER ERROR", Outcome.TEMPORARY, "An error at the provider."),
    Status("503", "SERVICE UNAVAILABLE", Outcome.TEMPORARY, "The provider is not available."),
)


class Falconide(HttpBackend):
    slug = "falconide"
    label = "Falconide"
    uses = {"service_url": "Service URL", "app_key": "API key"}
    required = ("app_key",)
    config_form = HttpForm
    note = (
        "Opens and clicks are switched in Falconide's own panel. Falconide does not sign its "
        "events: whoever knows the webhook address can invent some, so treat it as a secret."
    )
    statuses = (*STATUSES, *netcore_events.STATUSES)
    service_url = "https://api.falconide.com/falconapi/web.send.json"
    receives = True

    def pack(self, message: OutgoingMessage) -> tuple[bytes, Judge]:
        refuse_unsafe(message, self.config)
        refuse_bad_addresses(message, self.config)
        _refuse_unknown(message)
        document = as_json(self._document(message))
        body = b"data=" + quote(document, safe="").encode()
        return self._head.with_body(body), partial(_result, message)

    def check(self) -> str:
        answer = self.fleet.ask(RequestHead(self.fleet.peer, "GET", self.url, {}).with_body())
        return (
            f"{urlsplit(self.url).hostname} is there (HTTP {answer.status}). Whether the API key "
            "is right only a test message can tell."
        )

    def parse_webhook(self, request: HttpRequest) -> list[TrackingEvent]:
        return netcore_events.events_of(request)

    @cached_property
    def _head(self) -> RequestHead:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return RequestHead(self.fleet.peer, "POST", self.url, headers)

    def _document(self, message: OutgoingMessage) -> dict[str, Any]:
        address, name = sender_of(message, self.config)
        details = {
            "fromname": name,
            "subject": message.subject,
            "from": address,
            "replytoid": message.reply_to,
            "content": html_of(message),
        }
        document: dict[str, Any] = {
            "api_key": self.config.app_key.strip(),
            "email_details": {name: _encoded(text) for name, text in details.items() if text},
            "X-APIHEADER": [message.key],
            "recipients": [_encoded(message.to)],
        }
        if message.cc:
            document["recipients_cc"] = list(map(_encoded, message.cc))
        return document


def _encoded(text: str) -> str:
    """Texts are URL-encoded inside the JSON, and decoded there."""
    return quote(text, safe="@", errors="replace")


def _refuse_unknown(message: OutgoingMessage) -> None:
    if not (message.html or message.text):
        raise Rejected("The message has no content.")
    if message.bcc:
        raise Rejected("Falconide has no hidden copies: leave Bcc empty.", code="invalid")
    if message.attachments:
        text = "How Falconide takes attachments is not public: use another provider for them."
        raise Rejected(text, code="invalid")


def _result(message: OutgoingMessage, answer: Answer) -> Result:
    """Raises SendError. A failure comes with HTTP 200, too."""
    text = " ".join(answer.text.split())[:500] or answer.reason
    if answer.status != 200:
        if 200 < answer.status < 300:
            raise OutcomeUnknown(f"Falconide answered {answer.status}: {text}")
        raise refusal(answer, text)
    said = _said(answer)
    code = text_of(said.get("errorcode"), 60)
    if not code:
        raise OutcomeUnknown(f"The answer was not understood: {text}")
    if code != TAKEN:
        words = text_of(said.get("errormessage"), 500) or text_of(said.get("message"), 500)
        kind = ProviderRefused if ABOUT_THE_KEY.search(words) else TemporaryError
        raise kind(f"{code}: {words}", code=code)
    left_out = " Its further headers were left out." if message.headers else ""
    return Result(
        message.key, Outcome.ACCEPTED, code=code, text=f"Accepted by Falconide.{left_out}"
    )


def _said(answer: Answer) -> Mapping[str, Any]:
    try:
        said = answer.json()
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
