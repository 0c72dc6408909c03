"""Delivery reports of Netcore SMS: parameters of a GET or a form, or the newer list of objects.

Which parameters there are is agreed with Netcore by e-mail, so their names are settings. Without
settings, those of the newer list are looked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest

from omnichannel.backends.base import TrackingEvent
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

IDS = ("reqid", "request_id", "requestid")
USUAL = {
    "status_field": "status",
    "number_field": "mobile",
    "time_field": "event_time",
    "reason_field": "remarks",
}


def name_field(what: str, usual: str) -> forms.CharField:
    return forms.RegexField(
        r"^[!-~]*$",
        label=f"Report: {what}",
        required=False,
        max_length=60,
        help_text=f"The parameter's name in a delivery report. Empty: {usual}.",
        error_messages={"invalid": "Write the parameter's name without spaces."},
    )


def words_field(what: str, usual: str) -> forms.CharField:
    return forms.CharField(
        label=f"Report: words for {what}",
        required=False,
        max_length=500,
        help_text=f"Separated by commas, beside “{usual}”.",
    )


def events_of(request: HttpRequest, options: Mapping[str, Any]) -> list[TrackingEvent]:
    """Raises InvalidWebhook."""
    if request.method == "HEAD":
        return []
    return read_each(_items(request), lambda item: _event(item, options))


def _items(request: HttpRequest) -> list[dict[str, Any]]:
    query = fields_of(request.META.get("QUERY_STRING", ""))
    data = body_of(request).strip() if request.method == "POST" else b""
    if data[:1] in (b"[", b"{"):
        return [_lower(item) for item in items_of(json_of(data))]
    # What is fixed may stand in the address while the rest is posted.
    return [_lower({**query, **fields_of(data)})]


def _lower(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in item.items()}


def _event(item: Mapping[str, Any], options: Mapping[str, Any]) -> TrackingEvent:
    word = text_of(_value(item, options, "status_field"), 60)
    named = text_of(options.get("id_field"), 60).lower()
    request_id = next(
        (text for name in ((named,) if named else IDS) if (text := text_of(item.get(name), 255))),
        "",
    )
    key = key_in(item.get("callbackdata"))
    if not (request_id or key):
        raise InvalidWebhook("A report names no message: check the parameters' names.")
    kind = _kind(word.lower(), options)
    return TrackingEvent(
        kind,
        moment_of(_value(item, options, "time_field")),
        key=key,
        external_id=request_id,
        event_id=digest(item),
        code=word.lower(),
        description=text_of(_value(item, options, "reason_field")),
        outcome=Outcome.REJECTED if kind == EventType.FAILED else "",
        address=text_of(_value(item, options, "number_field"), 40),
    )


def _value(item: Mapping[str, Any], options: Mapping[str, Any], name: str) -> Any:
    return item.get((text_of(options.get(name), 60) or USUAL[name]).lower())


def _kind(word: str, options: Mapping[str, Any]) -> EventType:
    if word in ("delivered", *_words(options.get("delivered_words"))):
        return EventType.DELIVERED
    if word in ("failed", *_words(options.get("failed_words"))):
        return EventType.FAILED
    return EventType.SENT if word == "sent" else EventType.UNKNOWN


def _words(value: Any) -> list[str]:
    return [word for part in text_of(value).lower().split(",") if (word := part.strip())]
