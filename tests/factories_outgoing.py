"""What backends are given in tests."""

from __future__ import annotations

import uuid
from typing import Any

from omnichannel.backends.base import OutgoingMessage, ProviderConfig


def make_outgoing(**values: Any) -> OutgoingMessage:
    values = {
        "key": str(uuid.uuid4()),
        "to": "ann@example.com",
        "subject": "Hello",
        "text": "Hello Ann",
        "html": "<p>Hello Ann</p>",
        **values,
    }
    return OutgoingMessage(**values)


def make_config(**values: Any) -> ProviderConfig:
    return ProviderConfig(
        **{
            "name": "Test",
            "from_address": "studio@example.com",
            "from_name": "The Studio",
            "deadline": 5.0,
            **values,
        }
    )
