"""The form of a business event, with what it sends on each channel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django import forms

from omnichannel import event_schema, subscriptions
from omnichannel.admin.base import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanSwitchWidget,
)
from omnichannel.admin.json_field import JsonField
from omnichannel.choices import ChannelType
from omnichannel.exceptions import InvalidEvent
from omnichannel.models import ChannelProvider, Event, EventSubscription, MessageTemplate
from omnichannel.subscriptions import Change


class ObjectField(JsonField):
    """An object, shown in lines as people write it."""

    widget = UnfoldAdminTextareaWidget

    def __init__(self, *, rows: int = 12, **values: Any) -> None:
        super().__init__(**values)
        self.widget.attrs["class"] = f"{self.widget.attrs.get('class', '')} event-code"
        self.widget.attrs.update(rows=rows, spellcheck="false")

    def prepare_value(self, value: Any) -> Any:
        is_typed = isinstance(value, str)  # shown again, with its fault
        return value if is_typed else json.dumps(value or {}, indent=2, ensure_ascii=False)

    def to_python(self, value: Any) -> Any:
        return super().to_python(value) or {}


class EventForm(forms.ModelForm):
    variables_schema = ObjectField(
        label="Variables",
        required=False,
        help_text="A JSON Schema of the values that come with the event: in templates "
        "{{ event.order_id }}, or {{ order_id }} for short. Left empty, any value may come.",
    )
    sample_data = ObjectField(
        label="Sample data",
        required=False,
        help_text="Values for previews and test events. They must fit the variables.",
    )

    class Meta:
        model = Event
        fields = (
            *("key", "name", "group", "sub_group", "description", "category", "is_active"),
            *("variables_schema", "sample_data"),
        )
        widgets = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 2})}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if "variables_schema" in data and "sample_data" in data:
            try:
                event_schema.check(data["variables_schema"], data["sample_data"])
            except InvalidEvent as error:
                for path, text in error.errors:
                    field, _, inner = path.partition(".")
                    self.add_error(field, f"{inner}: {text}" if inner else text)
        return data


def names_of(channel_type: str) -> tuple[str, str, str]:
    """The form's fields for one channel, in the order of `subscriptions.FIELDS`."""
    return f"{channel_type}_on", f"{channel_type}_template", f"{channel_type}_provider"


class SubscribingForm(EventForm):
    """For who may change subscriptions too."""

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        present = {}
        if self.instance.pk:
            present = {row.channel_type: row for row in self.instance.subscriptions.all()}
        templates = _choices(MessageTemplate.objects.exclude(published_version=None))
        providers = _choices(ChannelProvider.objects.filter(is_active=True))
        for channel_type in ChannelType:
            row = present.get(channel_type) or EventSubscription(is_subscribed=False)
            offered = (templates[channel_type], providers[channel_type])
            for name, column in zip(names_of(channel_type), subscriptions.FIELDS, strict=True):
                self.initial[name] = getattr(row, column)
            for name, choices in zip(names_of(channel_type)[1:], offered, strict=True):
                offer(self.fields[name], _with(choices, self.initial[name]))

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        rows = [
            EventSubscription(event=self.instance, channel_type=channel_type, **change)
            for channel_type, change in self.changes()
        ]
        try:
            subscriptions.check(rows)
        except InvalidEvent as error:
            for path, text in error.errors:
                self.add_error(f"{path.rpartition('.')[2]}_template", text)
        return data

    def changes(self) -> Iterator[tuple[str, Change]]:
        """(channel type, what was chosen for it)"""
        for channel_type in ChannelType.values:
            values = [self.cleaned_data.get(name) or None for name in names_of(channel_type)]
            yield (
                channel_type,
                {
                    "is_subscribed": bool(values[0]),
                    "template_id": _number(values[1]),
                    "provider_id": _number(values[2]),
                },
            )


for _type in ChannelType:
    _on, _template, _provider = names_of(_type)
    SubscribingForm.declared_fields |= {
        _on: forms.BooleanField(
            label=_type.label, required=False, widget=UnfoldBooleanSwitchWidget()
        ),
        _template: forms.ChoiceField(
            label=f"{_type.label} template", required=False, widget=UnfoldAdminSelectWidget()
        ),
        _provider: forms.ChoiceField(
            label=f"{_type.label} provider",
            required=False,
            widget=UnfoldAdminSelectWidget(),
            help_text="Empty: the default provider.",
        ),
    }


def offer(field: forms.Field, choices: list[tuple[int, str]]) -> None:
    if isinstance(field, forms.ChoiceField):
        field.choices = [("", "-"), *choices]


def _choices(rows: Any) -> dict[str, list[tuple[int, str]]]:
    """By channel type."""
    found: dict[str, list[tuple[int, str]]] = {channel_type: [] for channel_type in ChannelType}
    for pk, name, channel_type in rows.order_by("name").values_list("pk", "name", "channel_type"):
        found[channel_type].append((pk, name))
    return found


def _with(choices: list[tuple[int, str]], pk: int | None) -> list[tuple[int, str]]:
    """The chosen row stays on offer when it is not active any more."""
    if pk is None or any(pk == each for each, _ in choices):
        return choices
    return [*choices, (pk, "The one chosen before")]


def _number(value: Any) -> int | None:
    return int(value) if value else None
