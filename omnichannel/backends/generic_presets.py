"""Vendors that are known by name and publish no contract: what must be asked for, and no more.

`options` are values for settings that were left empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Preset:
    label: str
    note: str
    options: Mapping[str, str] = field(default_factory=dict)


PRESETS = {
    "ftos-api-sms": Preset(
        "FTOSApiSMS",
        "Its contract is not public. A provider document of that platform fills in most of this: "
        "url is the Service URL, payload-template the body, headers the headers, default-sender "
        "the From Address, phone-number-prefix-to-add and -to-remove the number's beginning. Its "
        "SENDER_, RECEIVER_, SUBJECT_ and MESSAGE_PLACEHOLDER are {sender}, {to}, {subject} and "
        "{text} here.",
    ),
    "telspiel": Preset(
        "Telspiel",
        "Neither address nor parameters are public: take them from your contract. Telspiel gives "
        "you an account ID, an API key by e-mail, a sender ID and a DLT entity ID. Delivery "
        "reports are off until you ask for them: name the webhook address and ask for custref in "
        "it. Send {key} as custref; it is then found in reports by itself.",
        {"report_key": "custref"},
    ),
    "viva-connect": Preset(
        "Viva Connect (Helo.ai)",
        "Nothing of its SMS interface is public: take everything from your contract.",
    ),
    "times-internet": Preset(
        "Times Internet (Times Mobile)",
        "Nothing of its SMS interface is public: take everything from your contract.",
    ),
}


def with_preset(options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, with those of the chosen vendor where they were left empty."""
    preset = PRESETS.get(str(options.get("vendor") or ""))
    given = {name: value for name, value in options.items() if value not in ("", None)}
    return {**(preset.options if preset else {}), **given}
