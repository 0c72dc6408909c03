"""What a vendor says, in its calls and answers, read with suspicion: sizes bounded, types checked.

What takes a call apart raises InvalidWebhook and nothing else; what reads one value raises nothing.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import logging
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.utils import timezone

from omnichannel.backends.base import TrackingEvent
from omnichannel.exceptions import InvalidWebhook

logger = logging.getLogger(__name__)

T = TypeVar("T")
MOST_EVENTS, MOST_FIELDS = 10_000, 200
LONGEST_TEXT = 2000
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
UNWANTED = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")
# A number above this counts milliseconds: as seconds it would be the year 5138.
FIRST_IN_MILLISECONDS = 100_000_000_000
EARLIEST = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)


def body_of(request: HttpRequest) -> bytes:
    try:
        return request.body
    except (RequestDataTooBig, OSError) as error:  # UnreadablePostError is an OSError
        raise InvalidWebhook("The call could not be read to its end.") from error


def json_of(data: bytes | str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidWebhook("The call is not JSON.") from error


def fields_of(data: bytes | str) -> dict[str, str]:
    """Of a form or of the part of a URL after "?": the last value of each name."""
    try:
        text = data.decode() if isinstance(data, bytes) else data
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise InvalidWebhook("The call is not a form.") from error
    return dict(pairs)


def items_of(value: Any) -> list[dict[str, Any]]:
    """The events of a list, or the one that came without a list. What is no object is left out,
    so that it does not cost the others; InvalidWebhook when there is nothing else.
    """
    items = value if isinstance(value, list) else [value]
    if len(items) > MOST_EVENTS:
        raise InvalidWebhook(f"More than {MOST_EVENTS} events in one call.")
    found = [item for item in items if isinstance(item, dict)]
    if items and not found:
        raise InvalidWebhook("An event is not a JSON object.")
    if len(found) < len(items):
        logger.warning("%s of %s events are no objects.", len(items) - len(found), len(items))
    return found


def read_each(items: Iterable[T], read: Callable[[T], TrackingEvent]) -> list[TrackingEvent]:
    """What can be read of them. The first trouble, an InvalidWebhook, when nothing can."""
    events: list[TrackingEvent] = []
    troubles: list[InvalidWebhook] = []
    for item in items:
        try:
            events.append(read(item))
        except InvalidWebhook as error:
            troubles.append(error)
    if troubles and not events:
        raise troubles[0]
    if troubles:
        logger.warning("%s events were not understood: %s", len(troubles), troubles[0])
    return events


def text_of(value: Any, length: int = LONGEST_TEXT) -> str:
    """A text or number on one line; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    try:
        text = str(value)
    except ValueError:  # a whole number of thousands of digits
        return ""
    return UNWANTED.sub(" ", text[: length * 2]).strip()[:length]


def key_in(value: Any) -> str:
    """Our own key, when the vendor gives it back, whatever is written around it."""
    found = UUID.search(text_of(value))
    return found[0].lower() if found else ""


def moment_of(value: Any) -> datetime.datetime:
    """Seconds or milliseconds since 1970, or ISO 8601 (UTC unless it says otherwise).

    The present for what is neither, or cannot be: no event is lost for its time.
    """
    return bounded(value, _guessed)


def seconds(value: Any) -> datetime.datetime:
    """Raises ValueError and its like."""
    return datetime.datetime.fromtimestamp(_number(value), datetime.UTC)


def milliseconds(value: Any) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(_number(value) / 1000, datetime.UTC)


def iso(value: Any) -> datetime.datetime:
    at = datetime.datetime.fromisoformat(text_of(value, 60))
    return at if at.tzinfo else at.replace(tzinfo=datetime.UTC)


def bounded(value: Any, read: Callable[[Any], datetime.datetime]) -> datetime.datetime:
    """What `read` makes of it; the present when that is nothing, long ago or far ahead."""
    now = timezone.now()
    try:
        at = read(value).astimezone(datetime.UTC)
    except (ValueError, OverflowError, OSError, TypeError):
        return now
    return at if EARLIEST <= at <= now + datetime.timedelta(days=1) else now


def digest(value: Any) -> str:
    """A name for an event whose vendor gives it none: a repeated call names it again."""
    try:
        text = json.dumps(value, sort_keys=True, default=str)
    except RecursionError as error:  # what could just be read need not be writable
        raise InvalidWebhook("An event is nested too deep.") from error
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _guessed(value: Any) -> datetime.datetime:
    try:
        number = _number(value)
    except ValueError:
        return iso(value)
    return milliseconds(value) if number > FIRST_IN_MILLISECONDS else seconds(value)


def _number(value: Any) -> float:
    number = float(text_of(value, 40))
    if not math.isfinite(number):
        raise ValueError("no such moment")
    return number
