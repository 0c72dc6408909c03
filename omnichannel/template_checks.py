"""What a template's content must fulfil before it is compiled, by whatever way it was given.

All raise TemplateError, whose part names the field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from omnichannel.addresses import clean_address
from omnichannel.choices import ChannelType, SourceKind
from omnichannel.exceptions import InvalidMessage
from omnichannel.publishing import OF_SMS, SWITCHES
from omnichannel.version_content import fault

MAX_SAMPLES = 100_000  # characters
MAX_SMS = 10_000
OF_EMAIL = ("subject", "html", "from_name", "reply_to")


def check_samples(values: Mapping[str, Any]) -> None:
    if len(json.dumps(values)) > MAX_SAMPLES:
        raise fault("sample_variables", f"They are longer than {MAX_SAMPLES:,} characters.")


def check_content(channel_type: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """The content with its addresses in stored form."""
    foreign = (*OF_SMS, *SWITCHES) if channel_type == ChannelType.EMAIL else OF_EMAIL
    for name in foreign:
        if content.get(name):
            raise fault(name, "Templates of this channel have none.")
    if channel_type == ChannelType.EMAIL:
        return _check_email(content)
    if content.get("source_kind", SourceKind.HTML) != SourceKind.HTML:
        raise fault("source_kind", "Only e-mails are written in MJML.")
    text = content.get("text", "")
    if not text.strip():
        raise fault("text", "Write the text.")
    if channel_type == ChannelType.SMS and len(text) > MAX_SMS:
        raise fault("text", f"Write at most {MAX_SMS:,} characters.")
    return dict(content)


def _check_email(content: Mapping[str, Any]) -> dict[str, Any]:
    for name in ("subject", "from_name", "reply_to"):
        if any(char in content.get(name, "") for char in "\r\n\0"):
            raise fault(name, "A line break is not allowed here.")
    if not content.get("subject", "").strip():
        raise fault("subject", "Write the subject.")
    if not (content.get("html", "").strip() or content.get("text", "").strip()):
        raise fault("html", "Write the HTML, or a text.")
    reply_to = content.get("reply_to", "")
    try:
        cleaned = clean_address(ChannelType.EMAIL, reply_to) if reply_to else ""
    except InvalidMessage as error:
        raise fault("reply_to", str(error)) from error
    return {**content, "reply_to": cleaned}
