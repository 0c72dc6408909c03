"""Triggering an event from the Studio, with sample data."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404
from django.utils import timezone

from omnichannel import dispatch
from omnichannel.admin.base import (
    BaseDialogForm,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    row_id,
)
from omnichannel.admin.event_form import ObjectField
from omnichannel.choices import ChannelType
from omnichannel.exceptions import InvalidEvent
from omnichannel.models import ChannelProvider, Event

TEST_DIALOG = {
    "title": "Send test event",
    "description": "Triggers the event as another system would: real messages are sent.",
    "form_class": None,
    "form_submit_text": "Send",
}


class TestEventForm(BaseDialogForm):
    form_after_template = "admin/omnichannel/event_triggered.html"
    triggered: dispatch.Triggered | None = None

    email = forms.CharField(label="E-mail", required=False, widget=UnfoldAdminTextInputWidget())
    phone = forms.CharField(label="Phone", required=False, widget=UnfoldAdminTextInputWidget())
    provider = forms.ChoiceField(
        required=False,
        widget=UnfoldAdminSelectWidget(),
        help_text="For its channel, in place of the one that would be chosen.",
    )
    variables = ObjectField(rows=6, required=False, label="Event variables")
    columns = ObjectField(
        rows=3,
        required=False,
        label="Recipient's columns",
        help_text="What the templates use beside the event's variables.",
    )

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        active = ChannelProvider.objects.filter(is_active=True).order_by("name")
        offered = [
            (str(row.pk), f"{row.name} ({row.get_channel_type_display()})")
            for row in active.only("name", "channel_type")
        ]
        self.fields["provider"].choices = [("", "-"), *offered]
        self.fields["variables"].initial = self.event.sample_data
        self.fields["columns"].initial = columns_beside(self.event)

    @cached_property
    def event(self) -> Event:
        return get_object_or_404(Event, pk=row_id(self.object_id))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for name in ("variables", "columns"):
            if not isinstance(data.get(name, {}), dict):
                self.add_error(name, 'Write an object, such as {"order_id": "A-1042"}.')
        if not self.errors and not (data["email"] or data["phone"]):
            raise ValidationError("Enter an address.")
        return data

    def send(self, by: str) -> None:
        """Fills `triggered`, or the form's errors."""
        data = self.cleaned_data
        chosen = data["provider"] and ChannelProvider.objects.get(pk=data["provider"])
        recipient = {**data["columns"], "email": data["email"], "phone": data["phone"]}
        try:
            self.triggered = dispatch.trigger(
                self.event.key,
                recipient,
                data["variables"],
                at=timezone.now(),
                source="test",
                reference=by[: dispatch.MAX_REFERENCE],
                providers={chosen.channel_type: chosen} if chosen else None,
            )
        except InvalidEvent as error:
            for path, text in error.errors:
                self.add_error(*_placed(path, text))

    def get_after_template_context(
        self, request: Any, object_id: int | str | None = None
    ) -> dict[str, Any]:
        done = self.triggered
        skipped = done.skipped if done else []
        labels = dict(ChannelType.choices)
        return {
            "done": done,
            "faults": self.non_field_errors(),
            "skipped": [(labels[row.channel_type], row.text) for row in skipped],
        }


def columns_beside(event: Event) -> dict[str, Any]:
    """Sample values of the templates' other names: what callers send as recipient's columns."""
    found: dict[str, Any] = {}
    rows = event.subscriptions.filter(is_subscribed=True)
    for row in rows.select_related("template__published_version"):
        version = row.template.published_version if row.template else None
        for name in version.variables if version else ():
            samples = row.template.sample_variables if row.template else {}
            if name in samples and name not in event.sample_data:
                found.setdefault(name, samples[name])
    return found


def _placed(path: str, text: str) -> tuple[str | None, str]:
    """The dialog's field that an error belongs to, and what to say there."""
    first, _, rest = path.partition(".")
    if first == "variables":
        return "variables", f"{rest}: {text}" if rest else text
    if first == "recipient":
        field = rest if rest in ("email", "phone") else "columns"
        return field, text if field == rest else f"{rest}: {text}"
    return None, f"{path}: {text}"
