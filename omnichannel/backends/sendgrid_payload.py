"""The JSON of POST /v3/mail/send, and what SendGrid answers when it does not like it."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from omnichannel.backends.base import Attachment, OutgoingMessage, ProviderConfig
from omnichannel.backends.envelope import sender_of
from omnichannel.backends.http_answer import Answer
from omnichannel.backends.mime import message_id

PLACE = re.compile(r"personalizations\.(\d+)")


def payload(message: OutgoingMessage, config: ProviderConfig) -> dict[str, Any]:
    """One message by itself."""
    result = shared(message, config)
    result["personalizations"] = [_recipients(message)]
    result["headers"] = headers(message, config)
    result["custom_args"] = custom_args(message)
    if message.attachments:
        result["attachments"] = [_attachment(item) for item in message.attachments]
    return result


def shared(message: OutgoingMessage, config: ProviderConfig) -> dict[str, Any]:
    """What a call says once, for however many messages."""
    address, name = sender_of(message, config)
    result: dict[str, Any] = {
        "from": {"email": address, "name": name} if name else {"email": address},
        "subject": message.subject,
        "content": content(message.text, message.html),
        "tracking_settings": {
            "open_tracking": {"enable": config.track_opens},
            "click_tracking": {"enable": config.track_clicks, "enable_text": False},
        },
    }
    if message.reply_to:
        result["reply_to"] = {"email": message.reply_to}
    if config.options.get("ip_pool_name"):
        result["ip_pool_name"] = config.options["ip_pool_name"]
    if config.options.get("sandbox_mode"):
        result["mail_settings"] = {"sandbox_mode": {"enable": True}}
    return result


def content(text: str, html: str) -> list[dict[str, str]]:
    parts = (("text/plain", text), ("text/html", html))
    return [{"type": kind, "value": value} for kind, value in parts if value]


def headers(message: OutgoingMessage, config: ProviderConfig) -> dict[str, str]:
    return {**message.headers, "Message-ID": message_id(message, config)}


def custom_args(message: OutgoingMessage) -> dict[str, str]:
    """Comes back in every event; X-Message-Id is missing from late bounces."""
    return {"key": message.key}


def as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def words(answer: Answer) -> str:
    """SendGrid's own words: {"errors": [{"message", "field", "help"}]}"""
    found = [": ".join(filter(None, pair)) for pair in _errors(answer)]
    found = found or [" ".join(answer.text.split())]
    return " ".join(found)[:1000] or answer.reason


def named(answer: Answer, count: int) -> dict[int, str]:
    """{place among the `count` personalizations: what is wrong with it}"""
    found: dict[int, str] = {}
    for field, text in _errors(answer):
        place = PLACE.match(field)
        if place is not None and int(place[1]) < count:
            found.setdefault(int(place[1]), f"{field}: {text}"[:1000])
    return found


def _errors(answer: Answer) -> list[tuple[str, str]]:
    """(field, message) of each."""
    try:
        return [
            (str(item.get("field") or ""), str(item["message"])) for item in answer.json()["errors"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


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
