"""By which channel and provider a submission goes."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

from omnichannel import extended_properties, routing
from omnichannel.exceptions import InvalidMessage, NoProvider
from omnichannel.models import Channel, ChannelProvider, MessageTemplate
from omnichannel.routing import Route
from omnichannel.submissions.asked import Submission
from omnichannel.submissions.faults import Faults
from omnichannel.submissions.looked_up import LookedUp


@dataclass(slots=True)
class Way:
    """`channel_type` is empty when it could not be found out, which is a fault already."""

    channel_type: str = ""
    channel: Channel | None = None
    fixed: ChannelProvider | None = None
    routes: list[Route] = field(default_factory=list)

    def provider_of(self, address: str, at: datetime.datetime) -> ChannelProvider | None:
        """None when no default provider serves the address's country."""
        return self.fixed or routing.pick(self.routes, address, at)


def way_of(
    asked: Submission, known: LookedUp, template: MessageTemplate | None, faults: Faults
) -> Way:
    way = Way()
    way.channel = _channel(asked, faults)
    way.fixed = _provider(asked, known, faults) or (
        way.channel.bus_provider if way.channel else None
    )
    way.channel_type = _channel_type(asked, way, template, faults)
    _check_properties(asked, way.channel, faults)
    if not way.channel_type or faults.found:
        return way
    try:
        if asked.uses_sandbox:
            way.fixed = routing.sandbox_for(way.channel_type)
        elif way.fixed is None:
            way.routes = routing.routes_of(way.channel_type, asked.category)
    except NoProvider as error:
        faults.add("provider", str(error))
    return way


def _channel(asked: Submission, faults: Faults) -> Channel | None:
    if asked.channel is None:
        return None
    by = "code" if isinstance(asked.channel, str) else "pk"
    rows = Channel.objects.filter(**{by: asked.channel}, is_active=True)
    found = rows.select_related("bus_provider", "extended_properties_model").first()
    if found is None:
        faults.add("channel", "There is no such active channel.")
    return found


def _provider(asked: Submission, known: LookedUp, faults: Faults) -> ChannelProvider | None:
    if asked.provider is None:
        return None
    if known.provider is None:
        faults.add("provider", "There is no such active provider.")
    return known.provider


def _channel_type(
    asked: Submission, way: Way, template: MessageTemplate | None, faults: Faults
) -> str:
    """What all that was given agrees on."""
    told: dict[str, str] = {}
    if template:
        told["template"] = template.channel_type
    if way.channel:
        told["channel"] = way.channel.bus_channel
    if asked.provider is not None and way.fixed:
        told["provider"] = way.fixed.channel_type
    if asked.channel_type:
        told["channel_type"] = asked.channel_type
    kinds = set(told.values())
    if not kinds and not faults.found:
        faults.add("channel_type", "Give a template, a channel, a provider or a channel_type.")
    if len(kinds) > 1:
        text = ", ".join(f"{name} is for {kind}" for name, kind in told.items())
        faults.add(list(told)[-1], f"These do not fit together: {text}.")
    return kinds.pop() if len(kinds) == 1 else ""


def _check_properties(asked: Submission, channel: Channel | None, faults: Faults) -> None:
    try:
        extended_properties.check(channel, asked.extended_properties)
    except InvalidMessage as error:
        faults.add("extended_properties", str(error))


def check_sender(asked: Submission, providers: list[Any], faults: Faults) -> None:
    """Who it is from: one of the addresses that its providers have."""
    if not asked.from_address:
        return
    for provider in providers:
        own = {provider.from_address, *provider.senders.values_list("address", flat=True)}
        if asked.from_address not in own:
            known = ", ".join(sorted(filter(None, own))) or "none"
            faults.add(
                "from_address",
                f"It is not among the sender addresses of {provider}, which are: {known}.",
            )
