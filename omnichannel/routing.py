"""Which provider a message goes through when nobody chose one."""

from __future__ import annotations

import datetime
import random

from omnichannel.choices import Category, ChannelType
from omnichannel.exceptions import NoProvider
from omnichannel.models import ChannelProvider, ProviderRoute


def pick_provider(
    channel_type: str, category: str, *, address: str = "", at: datetime.datetime
) -> ChannelProvider:
    """The default provider for a channel and category.

    The longest country prefix that fits wins, then the lowest priority number whose provider is
    able to send at `at`, then chance by weight. When every provider rests, the best resting one
    is answered: the message waits for it. Raises NoProvider.
    """
    routes = [
        route
        for route in ProviderRoute.objects.filter(
            channel_type=channel_type,
            category=category,
            is_active=True,
            provider__is_active=True,
            provider__channel_type=channel_type,
        ).select_related("provider")
        if address.startswith(route.country_prefix)
    ]
    if not routes:
        channel, purpose = ChannelType(channel_type).label, Category(category).label.lower()
        raise NoProvider(
            f"No default provider for {channel}, {purpose}: add one under Default providers."
        )
    able = [route for route in routes if _able(route.provider, at)] or routes
    best = min(_rank(route) for route in able)
    equal = [route for route in able if _rank(route) == best]
    weights = [route.weight for route in equal]
    return random.SystemRandom().choices(equal, weights)[0].provider


def _rank(route: ProviderRoute) -> tuple[int, int]:
    return (-len(route.country_prefix), route.priority)


def _able(provider: ChannelProvider, at: datetime.datetime) -> bool:
    resting = provider.resting_until is not None and provider.resting_until > at
    return provider.stopped_at is None and not resting
