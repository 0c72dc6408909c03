"""Events for tests."""

from __future__ import annotations

import itertools
from typing import Any

from omnichannel.choices import Category, ChannelType
from omnichannel.models import Event, EventSubscription, ProviderRoute, TemplateVersion
from tests.factories import make_provider
from tests.factories_templates import make_template, make_version

_numbers = itertools.count(1)


def make_event(**values: Any) -> Event:
    number = next(_numbers)
    return Event.objects.create(**{"key": f"event-{number}", "name": f"Event {number}", **values})


def make_text(channel_type: str = ChannelType.EMAIL, **values: Any) -> TemplateVersion:
    """The published version of a new template."""
    if channel_type != ChannelType.EMAIL:
        values = {"subject": "", "html": "", "text": "Hello", **values}
    return make_version(make_template(channel_type=channel_type), **values)


def make_subscription(
    event: Event, channel_type: str = ChannelType.EMAIL, **values: Any
) -> EventSubscription:
    if "template" not in values:
        values["template"] = make_text(channel_type).template
    return EventSubscription.objects.create(event=event, channel_type=channel_type, **values)


def make_routes(*channel_types: str) -> None:
    """Sandbox providers for these channels, the default ones of every category."""
    for channel_type in channel_types or (ChannelType.EMAIL, ChannelType.SMS):
        provider = make_provider(channel_type=channel_type, days_before_expire=None)
        for category in Category.values:
            ProviderRoute.objects.create(
                channel_type=channel_type, category=category, provider=provider
            )
