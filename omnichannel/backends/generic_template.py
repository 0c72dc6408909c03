"""Placeholders such as {to} in what a provider that is data sends.

A template is parsed once and its texts are filled in place: what a message holds can neither
leave its text nor name a placeholder of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from omnichannel.backends.envelope import HEADER_NAME

PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.-]{0,80})\}")
CONTENT = frozenset({"text", "html"})
ACCOUNT = ("user", "password", "api_key")
REGISTER = ("dlt_template_id", "dlt_entity_id", "dlt_telemarketer_id")
PLACES = (
    *("to", "text", "subject", "html", "key", "sender", "sender_name", "reply_to"),
    *ACCOUNT,
    *REGISTER,
)
FAMILIES = ("params.", "headers.")  # of the message
IN_HEADERS = ("key", *ACCOUNT)
LONGEST, DEEPEST, MOST_HEADERS = 20_000, 20, 30
# The connection's own, or written by the choice of authentication.
OWN = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "expect"}
    | {"te", "trailer", "upgrade", "keep-alive", "authorization", "proxy-authorization"}
)


def parse_body(text: str, *, is_flat: bool) -> Any:
    """A body template: JSON, with placeholders inside its texts. Raises ValueError with advice.

    `is_flat`: it becomes a form or a query, so it is one object of texts and numbers.
    """
    if len(text) > LONGEST:
        raise ValueError(f"Write at most {LONGEST} characters.")
    try:
        body = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"This is not JSON (line {error.lineno}, column {error.colno}): {error.msg}. Write "
            'placeholders inside quotes: {"to": "{to}"}.'
        ) from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"This JSON cannot be used: {error}") from error
    if is_flat and not (isinstance(body, dict) and all(map(_is_simple, body.values()))):
        raise ValueError('Write one object of names and texts: {"To": "{to}", "Text": "{text}"}.')
    for name in places_in(body):
        _refuse_unknown(name, PLACES, FAMILIES)
    return body


def parse_headers(text: str) -> dict[str, str]:
    """Lines of `Name: value`. Raises ValueError with advice."""
    headers: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, colon, value = line.partition(":")
        name, value = name.strip(), value.strip()
        if not colon or not HEADER_NAME.fullmatch(name):
            raise ValueError(f"“{line[:60]}”: write one header a line, such as X-Account: 12.")
        if name.lower() in OWN:
            raise ValueError(f"{name} is set by the product: leave it out.")
        if name.lower() in {known.lower() for known in headers}:
            raise ValueError(f"{name} is there twice: keep one.")
        if not value.isprintable() or not _is_latin(value):
            raise ValueError(f"{name} has a letter that a header cannot carry.")
        for place in places_in(value):
            _refuse_unknown(place, IN_HEADERS, ())
        headers[name] = value
    if len(headers) > MOST_HEADERS:
        raise ValueError(f"Write at most {MOST_HEADERS} headers.")
    return headers


def places_in(template: Any, depth: int = 0) -> Iterator[str]:
    """The names of all placeholders. Raises ValueError when it is nested too deep."""
    if depth > DEEPEST:
        raise ValueError(f"Nest at most {DEEPEST} objects or lists.")
    if isinstance(template, str):
        yield from PLACE.findall(template)
    elif isinstance(template, dict | list):
        for item in template.values() if isinstance(template, dict) else template:
            yield from places_in(item, depth + 1)


def filled(template: Any, values: Mapping[str, str]) -> Any:
    """The same structure with every placeholder replaced, in one pass; unknown ones vanish."""
    if isinstance(template, str):
        return PLACE.sub(lambda found: values.get(found[1], ""), template)
    if isinstance(template, dict):
        return {name: filled(item, values) for name, item in template.items()}
    if isinstance(template, list):
        return [filled(item, values) for item in template]
    return template


def as_fields(body: Mapping[str, Any]) -> dict[str, str]:
    """A flat body as the fields of a form."""
    return {name: _written(value) for name, value in body.items() if value is not None}


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_simple(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _is_latin(text: str) -> bool:
    return all(ord(char) < 256 for char in text)


def _refuse_unknown(name: str, known: tuple[str, ...], families: tuple[str, ...]) -> None:
    if name in known or name.startswith(families):
        return
    offered = [*known, *(f"{family}NAME" for family in families)]
    listed = ", ".join(f"{{{place}}}" for place in offered)
    raise ValueError(f"{{{name}}} is not a placeholder. There are {listed}.")


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number in JSON.")
