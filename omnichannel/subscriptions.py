"""Which events send which messages: changed many at a time, all of them or none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import IntegrityError, transaction
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from omnichannel import event_schema
from omnichannel.choices import ChannelType
from omnichannel.exceptions import InvalidEvent
from omnichannel.models import (
    ChannelProvider,
    Event,
    EventChannelSwitch,
    EventSubscription,
    MessageTemplate,
    TemplateVersion,
)

User = AbstractBaseUser | AnonymousUser | None
Place = tuple[int, str]  # an event's id and a channel type
FIELDS = ("is_subscribed", "template_id", "provider_id")


# Some of FIELDS with their new values; what is not named stays as it is.
Change = Mapping[str, bool | int | None]


def change(changes: Mapping[Place, Change], *, by: User = None, reason: str = "") -> int:
    """Save what differs from what there is; answer how many rows that were.

    Raises InvalidEvent, whose paths are "<event's id>.<channel type>"; then nothing is saved.
    """
    try:
        with transaction.atomic():
            return _change(changes, by, reason)
    except IntegrityError as error:
        text = "Somebody else changed this just now: load it again."
        raise InvalidEvent([("", text)]) from error


def _change(changes: Mapping[Place, Change], by: User, reason: str) -> int:
    ids = {event for event, _ in changes}
    rows = EventSubscription.objects.filter(event__in=ids).order_by().select_for_update()
    present = {(row.event_id, row.channel_type): row for row in rows}
    new: list[EventSubscription] = []
    changed: list[EventSubscription] = []
    for place, wanted in changes.items():
        row = present.get(place)
        if row is None and any(wanted.values()):
            row = EventSubscription(event_id=place[0], channel_type=place[1], is_subscribed=False)
            new.append(row)
        elif row is not None and any(getattr(row, name) != wanted[name] for name in wanted):
            changed.append(row)
        else:
            continue
        for name, value in wanted.items():
            setattr(row, name, value)
    _check([*new, *changed])
    said: dict[str, Any] = {"default_user": _person(by), "default_change_reason": reason or None}
    if new:
        bulk_create_with_history(new, EventSubscription, **said)
    if changed:
        columns = [name.removesuffix("_id") for name in FIELDS]
        bulk_update_with_history(changed, EventSubscription, columns, **said)
    return len(new) + len(changed)


def _check(rows: Sequence[EventSubscription]) -> None:
    check(rows)
    events = set(Event.objects.filter(pk__in={row.event_id for row in rows}).values_list("pk"))
    errors = [
        (_path(row), "There is no such event.") for row in rows if (row.event_id,) not in events
    ]
    if errors:
        raise InvalidEvent(errors)


def check(rows: Sequence[EventSubscription]) -> None:
    """All templates and providers are of the row's channel, and who subscribes has a template.

    Raises InvalidEvent.
    """
    templates = _channels(MessageTemplate, {row.template_id for row in rows})
    providers = _channels(ChannelProvider, {row.provider_id for row in rows})
    errors = []
    for row in rows:
        channel = ChannelType(row.channel_type).label
        if row.provider_id and providers.get(row.provider_id) != row.channel_type:
            errors.append((_path(row), f"Choose a provider that sends {channel}."))
        if row.template_id and templates.get(row.template_id) != row.channel_type:
            errors.append((_path(row), f"Choose a template for {channel}."))
        elif row.is_subscribed and not row.template_id:
            errors.append((_path(row), "Choose a template, or switch it off."))
    if errors:
        raise InvalidEvent(errors)


def _path(row: EventSubscription) -> str:
    return f"{row.event_id}.{row.channel_type}"


def _channels(model: type[Any], ids: Iterable[int | None]) -> dict[int, str]:
    """{id: its channel type} of those that exist."""
    wanted = {pk for pk in ids if pk}
    if not wanted:
        return {}
    return dict(model.objects.filter(pk__in=wanted).values_list("pk", "channel_type"))


def _person(by: User) -> AbstractBaseUser | None:
    return by if isinstance(by, AbstractBaseUser) else None


def switches() -> dict[str, bool]:
    """{channel type: whether events send on it}"""
    rows = dict(EventChannelSwitch.objects.values_list("channel_type", "is_on"))
    return {channel_type: rows.get(channel_type, True) for channel_type in ChannelType.values}


def switch(wanted: Mapping[str, bool]) -> int:
    """Turn channels on or off for all events; answer how many were changed."""
    changed = 0
    with transaction.atomic():
        now = switches()
        for channel_type in [each for each in wanted if now[each] != wanted[each]]:
            row = EventChannelSwitch.objects.filter(channel_type=channel_type).first()
            row = row or EventChannelSwitch(channel_type=channel_type)
            row.is_on = wanted[channel_type]
            row.save()
            changed += 1
    return changed


def unknown_variables(event: Event, version: TemplateVersion | None) -> list[str]:
    """The event.* names of a template that the event does not have."""
    known = event_schema.declared(event.variables_schema)
    return names_beyond(known, version.variables if version else ())


def names_beyond(known: Collection[str], used: Iterable[str]) -> list[str]:
    names = (name for name in used if name.startswith("event."))
    return [name for name in names if name.removeprefix("event.") not in known]
