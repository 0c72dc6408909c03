"""From the bytes of a mail to what it says."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Iterable
from email.utils import parsedate_to_datetime

from omnichannel.backends import return_path
from omnichannel.returned import delivery, feedback, plain, replies
from omnichannel.returned.mail import RETURNED, Headers, Part, parameter, parts_of
from omnichannel.returned.words import Kind, Recipient, Returned

OUR_ID = re.compile(r"<([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@", re.IGNORECASE)
WRITTEN_ID = re.compile(rf"^[ \t>]*message-id:\s*{OUR_ID.pattern}", re.IGNORECASE | re.MULTILINE)
MOST_KEYS = 5
# Where our own envelope sender is found again.
TOKEN_HEADERS = (
    *("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to"),
    *("return-path", "original-mail-from", "x-rcpt-to", "apparently-to"),
)
DISPOSITION = "disposition-notification"


def read(raw: bytes) -> Returned:
    parts = parts_of(raw)
    mail = parts[0]
    told = [part for part in parts if part.kind in (*delivery.KINDS, feedback.KIND)]
    original = tuple(pair for part in parts if part.kind in RETURNED for pair in part.returned())
    text = _text(parts)
    proven = _proven(mail, told, original, text)
    kind, recipients = _said(mail, told, original, text, is_proven=bool(proven))
    return Returned(
        kind,
        tuple(recipients),
        proven=proven,
        named=_named(mail, original, text),
        report_id=mail.first("message-id")[:500] or hashlib.sha256(raw).hexdigest(),
        at=_date(mail.first("date")),
    )


def _said(
    mail: Part, told: list[Part], original: Headers, text: str, *, is_proven: bool
) -> tuple[Kind, list[Recipient]]:
    recipients: list[Recipient] = []
    for part in told:
        if part.kind == feedback.KIND:
            complained = feedback.recipients_of(part, original)
            return (Kind.COMPLAINT, complained) if complained else (Kind.REPLY, [])
        recipients += delivery.recipients_of(part)
    if recipients:
        return Kind.REPORT, recipients
    if parameter(mail.first("content-type"), "report-type") == DISPOSITION:
        return Kind.REPLY, []
    if plain.is_from_daemon(mail):
        recipients = plain.recipients_of(mail, text, is_proven=is_proven)
    if recipients:
        return Kind.REPORT, recipients
    return (Kind.REPLY, []) if replies.is_reply(mail) else (Kind.UNKNOWN, [])


def _text(parts: list[Part]) -> str:
    """The first part that is to be read by people."""
    return next((part.text() for part in parts if part.kind == "text/plain"), "")


def _proven(mail: Part, told: list[Part], original: Headers, text: str) -> tuple[str, ...]:
    places = [
        *mail.every(*TOKEN_HEADERS),
        *(value for name, value in original if name in TOKEN_HEADERS),
        *(part.text() for part in told),
        text,
    ]
    return _first(key for place in places for key in return_path.keys_in(place))


def _named(mail: Part, original: Headers, text: str) -> tuple[str, ...]:
    found = [value for name, value in original if name == "message-id"]
    found += mail.every("in-reply-to", "references", "x-original-message-id")
    ids = [key.lower() for value in found for key in OUR_ID.findall(value)]
    return _first((*ids, *(key.lower() for key in WRITTEN_ID.findall(text))))


def _first(keys: Iterable[str]) -> tuple[str, ...]:
    """A few of them, each once."""
    found: dict[str, None] = {}
    for key in keys:
        found[key] = None
        if len(found) >= MOST_KEYS:
            break
    return tuple(found)


def _date(text: str) -> datetime.datetime | None:
    try:
        at = parsedate_to_datetime(text[:100])
        at = at.replace(tzinfo=datetime.UTC) if at.tzinfo is None else at
        return at.astimezone(datetime.UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
