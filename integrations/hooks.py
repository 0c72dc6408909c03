"""What partners do becomes business events."""

from __future__ import annotations

import datetime

from integrations.models import Integration


def locked_out(integration: Integration, ip: str, *, at: datetime.datetime) -> None:
    """Too many wrong passwords for it came from this address."""
