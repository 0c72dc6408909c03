"""The messages of one triggered event, before any of them is saved."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from omnichannel import copies, rendering, routing
from omnichannel.choices import Category, ChannelType, Priority, SkipReason
from omnichannel.exceptions import InvalidEvent, NoProvider, TemplateError
from omnichannel.models import (
    ChannelProvider,
    Event,
    EventChannelSwitch,
    EventSubscription,
    Message,
    TemplateVersion,
)
from omnichannel.rendering.languages import position_for
from omnichannel.rendering.needed import needed_by
from omnichannel.variables import global_values

ADDRESS_OF = {ChannelType.EMAIL: "email", ChannelType.SMS: "phone", ChannelType.PUSH: "push_token"}


class Skipped(NamedTuple):
    """A channel that got no message, or one that is not sent."""

    channel_type: str
    reason: str  # choices.SkipReason
    text: str


@dataclass
class Draft:
    """The messages of one trigger before they are saved."""

    event: Event
    columns: dict[str, Any]
    variables: Mapping[str, Any]
    at: datetime.datetime
    providers: Mapping[str, ChannelProvider]
    priority: int | None  # None: the template's
    uses_sandbox: bool = False

    def messages(self) -> tuple[list[Message], list[Skipped]]:
        """One for each channel that is not left out. Raises InvalidEvent."""
        rows = self.event.subscriptions.select_related("template__published_version", "provider")
        subscriptions = {row.channel_type: row for row in rows}
        messages: list[Message] = []
        skipped: list[Skipped] = []
        errors: list[tuple[str, str]] = []
        for channel_type in ChannelType:
            row = subscriptions.get(channel_type)
            reason = self._left_out(channel_type, row)
            version = row.template.published_version if row and row.template else None
            if reason or row is None or version is None:
                skipped.append(Skipped(channel_type, reason, SkipReason(reason).label))
                continue
            try:
                messages.append(self._message(channel_type, row, version))
            except NoProvider as error:
                skipped.append(Skipped(channel_type, SkipReason.NO_PROVIDER, str(error)))
            except TemplateError as error:
                errors.append((f"templates.{channel_type}", f"{row.template}: {error}"))
        if errors:
            raise InvalidEvent(errors)
        return messages, skipped

    @cached_property
    def switched_off(self) -> set[str]:
        """The channels whose switch counts for this event."""
        if self.event.category == Category.OTP:
            return set()
        off = EventChannelSwitch.objects.filter(is_on=False)
        return set(off.values_list("channel_type", flat=True))

    @cached_property
    def global_values(self) -> dict[str, str]:
        return global_values()

    def _left_out(self, channel_type: ChannelType, row: EventSubscription | None) -> str:
        """Why there is no message; empty when there is to be one."""
        if not self.event.is_active:
            return SkipReason.INACTIVE
        if row is None or not row.is_subscribed:
            return SkipReason.NOT_SUBSCRIBED
        if channel_type in self.switched_off:
            return SkipReason.SWITCHED_OFF
        if row.template is None or row.template.published_version is None:
            return SkipReason.NO_TEMPLATE
        named = self._address(channel_type, row.template.published_version)
        return "" if named else SkipReason.NO_ADDRESS

    @cached_property
    def values(self) -> dict[str, Any]:
        """What a template sees, but for the global variables."""
        return {**self.columns, "event": dict(self.variables)}

    def _address(self, channel_type: ChannelType, version: TemplateVersion) -> str:
        """By the key of the template, else where it usually is. One that the template names
        itself gets copies of what others get, and nothing where they get nothing.
        """
        named = copies.by_key(version, self.values, channel_type)
        return named or self.columns.get(ADDRESS_OF[channel_type], "")

    def _priority(self, row: EventSubscription) -> int:
        if self.priority is not None:
            return self.priority
        if self.event.category == Category.OTP:
            return Priority.URGENT
        return row.template.default_priority if row.template else Priority.NORMAL

    def _message(
        self, channel_type: ChannelType, row: EventSubscription, version: TemplateVersion
    ) -> Message:
        """Not saved. Raises NoProvider, or TemplateError for a name that is not known."""
        address = self._address(channel_type, version)
        needed = needed_by(version, position_for(version.offered, self.values))
        message = Message(
            provider=self._provider(channel_type, row, address),
            category=self.event.category,
            priority=self._priority(row),
            to_address=address,
            template_version=version,
            variables={**self.values, "global": needed.snapshot(self.global_values)},
            created_at=self.at,
        )
        rendering.render_message(message)
        return message

    def _provider(
        self, channel_type: ChannelType, row: EventSubscription, address: str
    ) -> ChannelProvider:
        """Raises NoProvider."""
        if self.uses_sandbox:
            return routing.sandbox_for(channel_type)
        if channel_type in self.providers:
            return self.providers[channel_type]
        if row.provider and row.provider.is_active:
            return row.provider
        return routing.pick_provider(channel_type, self.event.category, address=address, at=self.at)
