"""Who changed a row through the API: there is no user, so the history names the key."""

from __future__ import annotations

from typing import Any

from simple_history.models import HistoricalRecords
from simple_history.signals import pre_create_historical_record

from omnichannel.models import ApiKey


def name_the_key(history_instance: Any, **kwargs: Any) -> None:
    """Everything that a request with a key changes, in whatever module it happens."""
    key = getattr(getattr(HistoricalRecords.context, "request", None), "auth", None)
    if isinstance(key, ApiKey):
        history_instance.history_change_reason = f"API key {key}"[:100]


pre_create_historical_record.connect(name_the_key, dispatch_uid="name_the_key")
