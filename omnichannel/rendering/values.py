"""What a template sees: the recipient's columns, and the event, global and system namespaces."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

SYSTEM_NAMES = ("today", "year", "message_key", "unsubscribe_url", "preferences_url")


class Namespace(dict[str, Any]):
    """Values reached by a dotted name, such as global.company_name."""

    def __init__(self, label: str, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.label = label


def system_values(at: datetime.datetime, key: str = "") -> dict[str, Any]:
    """The `system.*` values of one message, the same whenever it is rendered again."""
    return {"today": at.date().isoformat(), "year": at.year, "message_key": key}


def names_of(
    values: Mapping[str, Any], global_values: Mapping[str, Any], system: Mapping[str, Any]
) -> dict[str, Any]:
    """Every name of one rendering. A bare name means recipient, then event, then global.

    `values` are the recipient's columns; its key "event" holds the event's own values.
    """
    found = values.get("event")
    event = found if isinstance(found, dict) else {}
    return {
        **global_values,
        **event,
        **values,
        "event": Namespace("event", event),
        "global": Namespace("global", global_values),
        "system": Namespace("system", system),
    }
