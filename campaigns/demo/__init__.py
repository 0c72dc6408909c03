"""The living product a first start shows: providers, content, people, campaigns."""

from __future__ import annotations

import datetime

from campaigns.demo import audience, campaign, content, events, providers


def load(at: datetime.datetime) -> None:
    """Create the demo data and send one campaign through the sandbox."""
    providers.load()
    content.load()
    events.load()
    audience.load()
    campaign.load(at)


def is_loaded() -> bool:
    return providers.is_loaded()


def remove() -> list[str]:
    """Take the demo data away; answer what had to stay since it is in use elsewhere."""
    kept = events.remove()
    kept += campaign.remove()
    kept += audience.remove()
    kept += content.remove()
    kept += providers.remove()
    return kept
