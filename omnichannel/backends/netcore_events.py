"""The events of Netcore's e-mail services (Pepipost, Falconide), in every spelling they have had.

An array of objects with upper-case names; a lone object and the fields of a form are taken, too.
https://emaildocs.netcorecloud.com/docs/webhooks
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from django.http import HttpRequest

from omnichannel.backends.base import Status, TrackingEvent
from omnichannel.backends.vendor_values import (
    body_of,
    digest,
    fields_of,
    items_of,
    json_of,
    key_in,
    moment_of,
    read_each,
    text_of,
)
from omnichannel.choices import EventType, Outcome
from omnichannel.exceptions import InvalidWebhook

# Three generations of names for the same events; a table of statuses has the first.
VOCABULARY = {
    "sent": ("send", "delivered"),
    "opened": ("open",),
    "clicked": ("click",),
    "bounced": ("bounce",),
    "unsubscribed": ("unsub", "unsubscribe"),
    "dropped": ("drop",),
    "invalid": (),
    "spam": ("abuse",),
}
NAMES = {word: name for name, others in VOCABULARY.items() for word in (name, *others)}
TYPES = {
    "sent": EventType.DELIVERED,  # it means: the receiving server has it
    "opened": EventType.OPENED,
    "clicked": EventType.CLICKED,
    "bounced": EventType.BOUNCED,
    "unsubscribed": EventType.UNSUBSCRIBED,
    "dropped": EventType.REJECTED,
    "invalid": EventType.BOUNCED,
    "spam": EventType.COMPLAINED,
}
HARD = "HARDBOUNCE"
STATUSES = (
    Status("sent", "OK", Outcome.DELIVERED, "The receiving server took the message."),
    Status("bounced", "ERROR", Outcome.REJECTED, "The receiving server refused the message."),
    Status("dropped", "ERROR", Outcome.REJECTED, "Not sent: unsubscribed or bounced before."),
    Status("invalid", "ERROR", Outcome.REJECTED, "There is no such address."),
    Status("opened", "OPENED", "", "The message was opened."),
    Status("clicked", "CLICKED", "", "A link was clicked."),
    Status("unsubscribed", "UNSUBSCRIBED", "", "The recipient unsubscribed."),
    Status("spam", "SPAM", "", "The recipient reported spam."),
)


def events_of(request: HttpRequest) -> list[TrackingEvent]:
    """Nothing is signed: whoever knows the URL may tell. Raises InvalidWebhook."""
    return read_each(_items(body_of(request)), _event)


def _items(body: bytes) -> list[Mapping[str, Any]]:
    """The body may be empty, JSON, JSON that was URL-encoded, or the fields of a form."""
    data = body.strip()
    if not data:
        return []
    if data[:1] in b"[{":
        return list(map(_upper, items_of(json_of(data))))
    try:
        decoded = unquote_plus(data.decode(), errors="strict").strip()
    except ValueError as error:
        raise InvalidWebhook("The call is neither JSON nor a form.") from error
    if decoded[:1] in ("[", "{"):
        return list(map(_upper, items_of(json_of(decoded))))
    fields = _upper(fields_of(data))
    if "EVENT" not in fields:
        raise InvalidWebhook("The call names no event.")
    return [fields]


def _upper(item: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name.upper(): value for name, value in item.items()}


def _event(item: Mapping[str, Any]) -> TrackingEvent:
    word = text_of(item.get("EVENT"), 60).lower()
    name = NAMES.get(word, word)
    return TrackingEvent(
        TYPES.get(name, EventType.UNKNOWN),
        moment_of(item.get("TIMESTAMP")),
        key=key_in(item.get("X-APIHEADER")),
        external_id=text_of(item.get("TRANSID"), 255),
        event_id=digest(item),
        code=name,
        description=_described(item),
        url=text_of(item.get("URL")),
        outcome=_outcome(name, item),
        address=text_of(item.get("EMAIL"), 320),
    )


def _outcome(name: str, item: Mapping[str, Any]) -> str:
    if name == "bounced":
        kind = text_of(item.get("BOUNCE_TYPE"), 60).upper().replace(" ", "").replace("_", "")
        return Outcome.REJECTED if kind == HARD else Outcome.TEMPORARY
    return Outcome.REJECTED if name in ("dropped", "invalid") else ""


def _described(item: Mapping[str, Any]) -> str:
    wanted = ("BOUNCE_REASONID", "BOUNCE_REASON", "RESPONSE")
    return " ".join(filter(None, (text_of(item.get(name), 500) for name in wanted)))
