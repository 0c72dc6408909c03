"""What a message may carry beside its text: fields of the entity that its channel names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnichannel.exceptions import InvalidMessage
from omnichannel.models import Channel


def check(channel: Channel | None, given: Mapping[str, Any]) -> None:
    """Raises InvalidMessage for what the channel's entity does not have."""
    if not given:
        return
    entity = channel.extended_properties_model if channel else None
    model = entity.model_class() if entity else None
    if model is None:
        raise InvalidMessage("This channel has no Extended Properties Entity.")
    known = {field.name for field in model._meta.concrete_fields}
    if unknown := sorted(set(given) - known):
        raise InvalidMessage(
            f"{', '.join(unknown)}: not a field of {model._meta.verbose_name}. "
            f"It has {', '.join(sorted(known))}."
        )
