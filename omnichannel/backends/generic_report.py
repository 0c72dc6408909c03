"""Delivery reports of a provider that is data: how a call is verified, and what it tells."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from omnichannel.backends.base import TrackingEvent
from omnichannel.backends.generic_path import find
from omnichannel.backends.vendor_values import (
    body_of,
    bounded,
    digest,
    fields_of,
    iso,
    items_of,
    json_of,
    key_in,
    milliseconds,
    read_each,
    seconds,
    text_of,
)
from omnichannel.choices import EventType, Outcome
from omnichannel.exceptions import ForgedWebhook, InvalidWebhook

JSON, FORM = "json", "form"
POST, GET, EITHER = "post", "get", "either"
HEADER, QUERY, HMAC = "header", "query", "hmac"
TEMPORARY = "temporary"
TIMES = {"seconds": seconds, "milliseconds": milliseconds, "iso": iso}
FAILING = {EventType.BOUNCED, EventType.REJECTED, EventType.FAILED}
LONGEST_WORD, MOST_WORDS = 60, 200


def parse_words(text: str) -> dict[str, tuple[str, str]]:
    """Lines of `vendor's word = our event`; {word in lower case: (event type, outcome)}.

    Raises ValueError with advice.
    """
    table: dict[str, tuple[str, str]] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        word, sign, meaning = line.rpartition("=")
        word, (kind, *rest) = word.strip().lower(), meaning.lower().split() or [""]
        if not sign or not word or len(word) > LONGEST_WORD or rest not in ([], [TEMPORARY]):
            raise ValueError(f"“{line[:60]}”: write one a line, such as DELIVRD = delivered")
        if kind not in EventType.values:
            known = ", ".join(EventType.values)
            raise ValueError(f"“{kind[:40]}” is none of our events. They are {known}.")
        if rest and kind not in FAILING:
            raise ValueError(f"“{line[:60]}”: only bounced, rejected and failed can be temporary.")
        table[word] = (kind, _outcome(kind, is_temporary=bool(rest)))
    if len(table) > MOST_WORDS:
        raise ValueError(f"Write at most {MOST_WORDS} words.")
    return table


def events_of(request: HttpRequest, options: Mapping[str, Any]) -> list[TrackingEvent]:
    """`options` with the secret among them. Raises InvalidWebhook."""
    kind = options.get("reports")
    if kind not in (JSON, FORM):
        raise InvalidWebhook("This provider takes no delivery reports: switch them on in its form.")
    allowed = options.get("report_methods") or POST
    if allowed != EITHER and request.method != str(allowed).upper():
        raise InvalidWebhook(f"Reports of this provider do not come with {request.method}.")
    _verify(request, options)
    try:
        words = parse_words(str(options.get("report_words") or ""))
    except ValueError as error:
        raise InvalidWebhook(f"The table of events cannot be used: {error}") from error
    called = _called(request, kind)
    path = text_of(options.get("report_list"))
    items = items_of(find(called, path) if path else called)
    return read_each(items, lambda item: _event(item, options, words))


def _called(request: HttpRequest, kind: str) -> Any:
    if request.method == "GET":
        return fields_of(request.META.get("QUERY_STRING", ""))
    return json_of(body_of(request)) if kind == JSON else fields_of(body_of(request))


def _event(
    item: Mapping[str, Any], options: Mapping[str, Any], words: Mapping[str, tuple[str, str]]
) -> TrackingEvent:
    def said(name: str, length: int = 2000) -> str:
        return text_of(find(item, text_of(options.get(f"report_{name}"))), length)

    word = said("event", LONGEST_WORD).lower()
    kind, outcome = words.get(word, (EventType.UNKNOWN, ""))
    read = TIMES.get(str(options.get("report_time_format")), iso)
    return TrackingEvent(
        kind,
        bounded(said("time", 60), read),
        key=key_in(said("key", 200)),
        external_id=said("id", 255),
        event_id=said("event_id", 120) or digest(item),
        code=said("code", 60) or word,
        description=said("description"),
        url=said("url"),
        outcome=outcome,
        address=said("address", 320),
    )


def _outcome(kind: str, *, is_temporary: bool) -> str:
    if kind not in FAILING:
        return ""
    return Outcome.TEMPORARY if is_temporary else Outcome.REJECTED


def _verify(request: HttpRequest, options: Mapping[str, Any]) -> None:
    """Raises InvalidWebhook. Compares in a time that tells nothing."""
    check = options.get("report_check")
    if not check:
        return
    secret, name = str(options.get("report_secret") or ""), text_of(options.get("report_name"))
    if not secret or not name or check not in (HEADER, QUERY, HMAC):
        raise ForgedWebhook("Reports are to be verified, but the secret or its place is not set.")
    if check == QUERY:
        given = fields_of(request.META.get("QUERY_STRING", "")).get(name, "")
    else:
        given = request.headers.get(name, "").strip()
    if check != HMAC:
        is_right = _same(given, secret)
    else:
        is_right = request.method == "POST" and _is_signed(body_of(request), given, secret)
    if not is_right:
        raise ForgedWebhook("The call is not verified: its secret or signature is wrong.")


def _is_signed(body: bytes, given: str, secret: str) -> bool:
    """HMAC-SHA256 of the raw body, in hex or base64, as it is or after "sha256="."""
    made = hmac.new(secret.encode("utf-8", "replace"), body, hashlib.sha256).digest()
    prefix, sign, rest = given.partition("=")
    bare = rest if sign and prefix.lower() == "sha256" else given
    wanted = made.hex() if len(bare) == 2 * len(made) else base64.b64encode(made).decode()
    return _same(bare.lower() if len(bare) == 2 * len(made) else bare, wanted)


def _same(given: str, wanted: str) -> bool:
    one, other = given.encode("utf-8", "replace"), wanted.encode("utf-8", "replace")
    return hmac.compare_digest(one, other)
