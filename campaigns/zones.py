"""The time zones that an operator may choose."""

from __future__ import annotations

import zoneinfo
from functools import cache


@cache
def zone_names() -> list[str]:
    """UTC and the regions of the world, in order."""
    regions = {name for name in zoneinfo.available_timezones() if "/" in name}
    return ["UTC", *sorted(name for name in regions if not name.startswith(("Etc/", "SystemV/")))]
