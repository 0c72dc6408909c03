"""Destinations as lists show them, and found again by who knows them whole."""

from __future__ import annotations

import contextlib
import uuid
from typing import Any

from django.db.models import Q, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from omnichannel.exceptions import InvalidMessage
from otp import destinations
from otp.choices import OtpChannel
from otp.destinations import Destination

SEARCH_HELP = "A whole number or address, or the id of a request"


def masked(channel: str, address: str) -> str:
    return Destination(channel, address, "").masked if address else ""


def known_by(term: str) -> Q:
    """Rows of this very destination or request; each has an index."""
    found = Q(destination__in={term, term.lower(), *_as_stored(term)})
    with contextlib.suppress(ValueError):
        found |= Q(request_id=uuid.UUID(term))
    return found


def _as_stored(term: str) -> list[str]:
    channel = OtpChannel.EMAIL if "@" in term else OtpChannel.SMS
    try:
        return [destinations.of(channel, term).address]
    except InvalidMessage:
        return []


def may_look(request: HttpRequest) -> Value:
    """Annotated to rows, so that each page knows whether its viewer may see messages."""
    return Value(request.user.has_perm("omnichannel.view_message"))


def message_link(row: Any, *, exists: bool) -> str:
    """The message that carried the code, of a row annotated with `may_look`."""
    if not row.message_id:
        return "-"
    if not exists:
        return f"Message {row.message_id} (deleted)"
    if not row.may_look:
        return f"Message {row.message_id}"
    url = reverse("admin:omnichannel_message_change", args=(row.message_id,))
    return format_html('<a class="text-link" href="{}">Message {}</a>', url, row.message_id)
