"""What an SMS may be on the wire: one number, one text, and nothing of an e-mail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import forms

from omnichannel.backends.base import OutgoingMessage, ProviderConfig
from omnichannel.backends.envelope import refuse_unsafe
from omnichannel.backends.vendor_values import text_of
from omnichannel.exceptions import Rejected

LONGEST_ID = 40
NUMBER = re.compile(r"\+?[0-9]{4,18}")


def refuse_bad_sms(message: OutgoingMessage, config: ProviderConfig) -> None:
    """Raises Rejected."""
    refuse_unsafe(message, config)
    if not NUMBER.fullmatch(message.to):
        raise Rejected(f"{message.to!r} is not a phone number.", code="invalid")
    if message.cc or message.bcc or message.attachments:
        raise Rejected("An SMS has no copies and no attachments.", code="invalid")
    if not message.text:
        raise Rejected("The message has no text.", code="invalid")


def number_as(number: str, remove: str, add: str) -> str:
    """The number as a vendor wants it: one beginning taken off, another put on."""
    return add + number.removeprefix(remove)


def register_field(label: str, help_text: str) -> forms.RegexField:
    """A setting for an id of India's register (DLT)."""
    return forms.RegexField(
        r"^[0-9A-Za-z]*$",
        label=label,
        required=False,
        max_length=LONGEST_ID,
        error_messages={"invalid": "Write letters and digits only."},
        help_text=help_text,
    )


def registered(message: OutgoingMessage, options: Mapping[str, Any]) -> dict[str, str]:
    """The ids of India's register: template_id, entity_id, telemarketer_id; empty where unknown.

    First the message's Channel Provider Params, then its template, then the provider.
    """
    given = {"template_id": message.dlt_template_id}
    return {
        name: text_of(message.params.get(name), LONGEST_ID)
        or given.get(name)
        or text_of(options.get(name), LONGEST_ID)
        for name in ("template_id", "entity_id", "telemarketer_id")
    }
