"""A message written by hand, checked field by field before it enters the queue."""

from __future__ import annotations

import datetime
from typing import Any, cast

from django import forms
from django.conf import settings
from django.utils import timezone

from omnichannel import extended_properties, outbox, routing
from omnichannel.addresses import clean_address, split_addresses
from omnichannel.admin.sender_form import one_line
from omnichannel.choices import ChannelType
from omnichannel.exceptions import InvalidMessage, NoProvider
from omnichannel.models import Channel, ChannelProvider, Message

ROWS = {
    "cc_addresses": 1,
    "bcc_addresses": 1,
    "body_html": 8,
    "body_text": 5,
    "channel_provider_params": 2,
    "extended_properties": 2,
}


class MessageForm(forms.ModelForm):
    class Meta:
        model = Message
        fields = (
            "to_address",
            "cc_addresses",
            "bcc_addresses",
            "subject",
            "body_html",
            "body_text",
            "channel",
            "provider",
            "category",
            "priority",
            "starts_at",
            "ends_at",
            "interval_min",
            "interval_max",
            "retry_max_attempt",
            "pool_time_retry",
            "channel_provider_params",
            "extended_properties",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "provider" in self.fields:
            self._offer()

    def _offer(self) -> None:
        provider = cast(forms.ModelChoiceField, self.fields["provider"])
        channel = cast(forms.ModelChoiceField, self.fields["channel"])
        provider.required = False
        provider.help_text = "Empty: the channel's, else the default for the category."
        provider.queryset = ChannelProvider.objects.filter(is_active=True).defer(
            "app_password", "app_key", "app_secrets"
        )
        channel.queryset = Channel.objects.filter(is_active=True)
        for name, rows in ROWS.items():
            self.fields[name].widget.attrs["rows"] = rows

    def clean_subject(self) -> str:
        one_line(self.cleaned_data["subject"])
        return self.cleaned_data["subject"]

    def clean_pool_time_retry(self) -> datetime.timedelta | None:
        wait = self.cleaned_data["pool_time_retry"]
        shortest, longest = datetime.timedelta(seconds=1), datetime.timedelta(days=7)
        if wait is not None and not shortest <= wait <= longest:
            raise forms.ValidationError("Write HH:MM:SS, between one second and seven days.")
        return wait

    def clean_channel_provider_params(self) -> dict[str, Any]:
        return _json_object(self.cleaned_data["channel_provider_params"])

    def clean_extended_properties(self) -> dict[str, Any]:
        return _json_object(self.cleaned_data["extended_properties"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self._check_times()
        self._check_properties()
        provider = self._route()
        if provider:
            cleaned["provider"] = provider
            self._check_addresses(provider.channel_type)
            self._check_body(provider.channel_type)
        if provider and not self.errors:
            self._check_overlap(provider)
        return cleaned

    def _check_times(self) -> None:
        start, end = self.cleaned_data.get("starts_at"), self.cleaned_data.get("ends_at")
        if start and end and start >= end:
            self.add_error("ends_at", "The End Date must be after the Start Date.")
        elif end and end <= timezone.now():
            self.add_error("ends_at", "The End Date has passed: the message would never go.")
        minimum = self.cleaned_data.get("interval_min")
        if minimum is not None and minimum == self.cleaned_data.get("interval_max"):
            self.add_error(
                "interval_max",
                "Interval Min and Interval Max are equal: leave both empty to send all day.",
            )

    def _check_properties(self) -> None:
        channel = self.cleaned_data.get("channel")
        try:
            extended_properties.check(channel, self.cleaned_data.get("extended_properties") or {})
        except InvalidMessage as error:
            self.add_error("extended_properties", str(error))

    def _route(self) -> ChannelProvider | None:
        """The provider the message will go through; None when that is an error already."""
        if {"provider", "channel", "category"} & self.errors.keys():
            return None
        provider, channel = self.cleaned_data.get("provider"), self.cleaned_data.get("channel")
        if provider and channel and provider.channel_type != channel.bus_channel:
            self.add_error("provider", f"{provider} does not send what {channel} carries.")
            return None
        if provider or channel is None:
            if provider is None:
                self.add_error("provider", "Choose a channel or a provider.")
            return provider
        if channel.bus_provider:
            return channel.bus_provider
        return self._default_of(channel)

    def _default_of(self, channel: Channel) -> ChannelProvider | None:
        try:
            return routing.pick_provider(
                channel.bus_channel,
                self.cleaned_data["category"],
                address=self.cleaned_data.get("to_address", ""),
                at=timezone.now(),
            )
        except NoProvider as error:
            self.add_error("provider", str(error))
            return None

    def _check_addresses(self, channel_type: str) -> None:
        region = settings.DEFAULT_PHONE_REGION
        for name in ("to_address", "cc_addresses", "bcc_addresses"):
            found = split_addresses(self.cleaned_data.get(name, ""))
            if name == "to_address" and len(found) > 1:
                self.add_error(name, "One address only: further ones go to CC or BCC.")
                continue
            if name != "to_address" and found and channel_type != ChannelType.EMAIL:
                self.add_error(name, "Only e-mails have CC and BCC addresses.")
                continue
            try:
                cleaned = [clean_address(channel_type, address, region) for address in found]
            except InvalidMessage as error:
                self.add_error(name, str(error))
            else:
                self.cleaned_data[name] = "; ".join(cleaned)

    def _check_body(self, channel_type: str) -> None:
        html = self.cleaned_data.get("body_html", "").strip()
        text = self.cleaned_data.get("body_text", "").strip()
        if channel_type == ChannelType.EMAIL:
            if not (html or text):
                self.add_error("body_html", "The body is empty: write HTML, text, or both.")
        elif not text:
            self.add_error("body_text", "This channel sends text: fill in the text body.")

    def _check_overlap(self, provider: ChannelProvider) -> None:
        """What only the engine knows: windows that never overlap, and whatever else it refuses."""
        names = ("subject", "body_html", "body_text", "interval_min", "interval_max")
        probe = Message(provider=provider, **{name: self.cleaned_data[name] for name in names})
        try:
            outbox.check_content(probe, provider.channel_type)
        except InvalidMessage as error:
            self.add_error("interval_min", str(error))


def _json_object(value: Any) -> dict[str, Any]:
    if value in (None, ""):
        return {}
    if not isinstance(value, dict):
        raise forms.ValidationError('Write a JSON object, such as {"name": "value"}.')
    return value
