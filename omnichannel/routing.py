"""Which provider a message goes through when nobody chose one."""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterable
from typing import Any, NamedTuple, NoReturn

from omnichannel.choices import Category, ChannelType
from omnichannel.exceptions import NoProvider
from omnichannel.models import ChannelProvider

# Written out: the ORM takes three times as long to put this together as the database to answer it.
_ROUTES = """
    SELECT provider.*, route.country_prefix AS route_prefix, route.priority AS route_priority,
           route.weight AS route_weight
    FROM omnichannel_providerroute AS route
    JOIN omnichannel_channelprovider AS provider ON provider.id = route.provider_id
    WHERE route.channel_type = %s AND route.category = %s AND route.is_active
      AND provider.is_active AND provider.channel_type = %s
"""


class Route(NamedTuple):
    """A default provider, and for which addresses and before which others it is."""

    provider: ChannelProvider
    country_prefix: str
    priority: int
    weight: int


def pick_provider(
    channel_type: str, category: str, *, address: str = "", at: datetime.datetime
) -> ChannelProvider:
    """The default provider for a channel and category.

    The longest country prefix that fits wins, then the lowest priority number whose provider is
    able to send at `at`, then chance by weight. When every provider rests, the best resting one
    is answered: the message waits for it. Raises NoProvider.
    """
    return pick(routes_of(channel_type, category), address, at) or _none(channel_type, category)


def routes_of(channel_type: str, category: str) -> list[Route]:
    """The default providers there are, none of them chosen yet. Raises NoProvider."""
    rows = ChannelProvider.objects.raw(_ROUTES, [channel_type, category, channel_type])
    return [_route(row) for row in rows] or _none(channel_type, category)


def _route(row: Any) -> Route:
    return Route(row, row.route_prefix, row.route_priority, row.route_weight)


def _none(channel_type: str, category: str) -> NoReturn:
    channel, purpose = ChannelType(channel_type).label, Category(category).label.lower()
    raise NoProvider(
        f"No default provider for {channel}, {purpose}: add one under Default providers."
    )


def pick(routes: Iterable[Route], address: str, at: datetime.datetime) -> ChannelProvider | None:
    """One of these, for this address; None when none serves its country."""
    routes = [route for route in routes if address.startswith(route.country_prefix)]
    if not routes:
        return None
    able = [route for route in routes if _able(route.provider, at)] or routes
    best = min(_rank(route) for route in able)
    equal = [route for route in able if _rank(route) == best]
    weights = [route.weight for route in equal]
    return random.SystemRandom().choices(equal, weights)[0].provider


def sandbox_for(channel_type: str) -> ChannelProvider:
    """Where the messages of test keys go. Raises NoProvider."""
    rows = ChannelProvider.objects.filter(
        backend="sandbox", channel_type=channel_type, is_active=True
    )
    found = rows.order_by("id").first()
    if found is None:
        raise NoProvider("There is no active sandbox provider of this channel for test keys.")
    return found


def _rank(route: Route) -> tuple[int, int]:
    return (-len(route.country_prefix), route.priority)


def _able(provider: ChannelProvider, at: datetime.datetime) -> bool:
    resting = provider.resting_until is not None and provider.resting_until > at
    return provider.stopped_at is None and not resting
