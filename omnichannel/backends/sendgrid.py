"""SendGrid Web API v3, one message a call. Anymail's own sender is ten times slower and
unsupported upstream since 2025. https://www.twilio.com/docs/sendgrid/api-reference/mail-send
"""

from __future__ import annotations

import base64
import json
from typing import Any

import requests
from django import forms

from omnichannel.backends.base import (
    Attachment,
    Backend,
    OutgoingMessage,
    ProviderConfig,
    Result,
)
from omnichannel.backends.envelope import refuse_bad_addresses, refuse_unsafe, sender_of
from omnichannel.backends.http import (
    DeadlineSession,
    base_url,
    errors_of_the_wire,
    refusal,
)
from omnichannel.backends.mime import message_id
from omnichannel.backends.sendgrid_statuses import DOCUMENTATION, STATUSES
from omnichannel.choices import Outcome
from omnichannel.exceptions import OutcomeUnknown, ProviderUnavailable, Rejected

SERVICE_URL = "https://api.sendgrid.com"


class SendGridForm(forms.Form):
    sandbox_mode = forms.BooleanField(
        required=False,
        help_text="SendGrid checks each message and sends none: every one ends as rejected (200).",
    )
    ip_pool_name = forms.CharField(label="IP pool", required=False, max_length=64, min_length=2)


class SendGrid(Backend):
    slug = "sendgrid"
    label = "SendGrid"
    uses = {"service_url": "Service URL", "app_key": "API key"}
    required = ("app_key",)
    config_form = SendGridForm
    documentation = DOCUMENTATION
    statuses = STATUSES

    def __init__(self, config: ProviderConfig) -> None:
        super().__init__(config)
        self.session = DeadlineSession()
        self.session.headers["Authorization"] = f"Bearer {config.app_key.strip()}"

    def send(self, message: OutgoingMessage) -> Result:
        refuse_unsafe(message, self.config)
        refuse_bad_addresses(message, self.config)
        if not (message.html or message.text):
            raise Rejected("The message has no content.")
        body = json.dumps(payload(message, self.config), ensure_ascii=False).encode()
        answer = self._call("POST", "/v3/mail/send", body)
        if answer.status_code == 202:
            return Result(
                message.key,
                Outcome.ACCEPTED,
                code="202",
                text="Accepted by SendGrid.",
                external_id=answer.headers.get("X-Message-Id", ""),
            )
        if answer.status_code == 200:
            raise Rejected("Valid, but not queued: SendGrid's sandbox mode is on.", code="200")
        if answer.status_code < 300:
            raise OutcomeUnknown(f"SendGrid answered {answer.status_code}.")
        raise refusal(answer.status_code, answer.headers, _errors(answer))

    def check(self) -> str:
        answer = self._call("GET", "/v3/scopes")
        if answer.status_code != 200:
            raise refusal(answer.status_code, answer.headers, _errors(answer))
        try:
            scopes = answer.json()["scopes"]
        except (ValueError, KeyError, TypeError) as error:
            text = "This does not look like SendGrid: check the Service URL."
            raise ProviderUnavailable(text) from error
        may = "may" if "mail.send" in scopes else "may NOT"
        return f"SendGrid answered 200: the API key is known and {may} send mail."

    def close(self) -> None:
        self.session.close()

    def _call(self, method: str, path: str, body: bytes = b"") -> requests.Response:
        url = base_url(self.config.service_url, SERVICE_URL)
        url = url.removesuffix("/mail/send").removesuffix("/v3") + path
        headers = {"Content-Type": "application/json"} if body else {}
        self.session.clock.start(self.config.deadline)
        with errors_of_the_wire(self.session.clock):
            return self.session.request(method, url, data=body or None, headers=headers)


def payload(message: OutgoingMessage, config: ProviderConfig) -> dict[str, Any]:
    """The JSON of POST /v3/mail/send."""
    address, name = sender_of(message, config)
    content = [("text/plain", message.text), ("text/html", message.html)]
    result: dict[str, Any] = {
        "personalizations": [_recipients(message)],
        "from": {"email": address, "name": name} if name else {"email": address},
        "subject": message.subject,
        "content": [{"type": kind, "value": value} for kind, value in content if value],
        "headers": {**message.headers, "Message-ID": message_id(message, config)},
        # Comes back in every event; X-Message-Id is missing from late bounces.
        "custom_args": {"key": message.key},
        "tracking_settings": {
            "open_tracking": {"enable": config.track_opens},
            "click_tracking": {"enable": config.track_clicks, "enable_text": False},
        },
    }
    if message.reply_to:
        result["reply_to"] = {"email": message.reply_to}
    if message.attachments:
        result["attachments"] = [_attachment(item) for item in message.attachments]
    if config.options.get("ip_pool_name"):
        result["ip_pool_name"] = config.options["ip_pool_name"]
    if config.options.get("sandbox_mode"):
        result["mail_settings"] = {"sandbox_mode": {"enable": True}}
    return result


def _recipients(message: OutgoingMessage) -> dict[str, list[dict[str, str]]]:
    """SendGrid refuses an address that is named twice among To, Cc and Bcc."""
    seen = {message.to.lower()}
    result = {"to": [{"email": message.to}]}
    for kind, addresses in (("cc", message.cc), ("bcc", message.bcc)):
        for address in addresses:
            if address.lower() not in seen:
                seen.add(address.lower())
                result.setdefault(kind, []).append({"email": address})
    return result


def _attachment(attachment: Attachment) -> dict[str, str]:
    return {
        "content": base64.b64encode(attachment.content).decode(),
        "filename": attachment.name,
        "type": attachment.content_type,
        "disposition": "attachment",
    }


def _errors(answer: requests.Response) -> str:
    """SendGrid's own words: {"errors": [{"message", "field", "help"}]}"""
    try:
        found = [
            ": ".join(filter(None, (item.get("field"), item["message"])))
            for item in answer.json()["errors"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        found = [" ".join(answer.text.split())]
    return " ".join(found)[:1000] or str(answer.reason)
