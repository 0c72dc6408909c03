"""The form of a campaign: its choices by channel, its checks across fields."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import slugify

from campaigns import recipients
from campaigns.models import Campaign
from omnichannel.addresses import clean_address
from omnichannel.admin.base import UnfoldAdminSelectWidget
from omnichannel.choices import ChannelType
from omnichannel.exceptions import InvalidMessage


class ByChannelSelect(UnfoldAdminSelectWidget):
    """Options that say which channel they are for; campaign.js shows those that fit."""

    def __init__(self, attrs: dict[str, Any] | None = None, choices: Any = ()) -> None:
        super().__init__({"data-by-channel": "", **(attrs or {})}, choices)

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        row = getattr(value, "instance", None)
        if row is not None:
            option["attrs"]["data-channel"] = row.channel_type
        return option


class CampaignForm(forms.ModelForm):
    class Meta:
        model = Campaign
        fields = (
            "name",
            "identifier",
            "description",
            "tags",
            "channel_type",
            "template",
            "provider",
            "from_address",
            "audience",
            "recipient_column",
            "starts_at",
            "ends_at",
            "priority",
            "rate_limit",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "identifier" in self.fields:
            self.fields["identifier"].required = False
            self.fields["identifier"].help_text += " Empty: made from the name."
        if "description" in self.fields:
            self.fields["description"].widget.attrs["rows"] = 2
        provider = self.fields.get("provider")
        if isinstance(provider, forms.ModelChoiceField):
            provider.empty_label = "The default provider"

    def clean_identifier(self) -> str:
        given = self.cleaned_data["identifier"]
        return given or free_identifier(self.cleaned_data.get("name", ""), self.instance)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        channel = data.get("channel_type", "")
        for name in ("template", "provider"):
            chosen = data.get(name)
            if chosen is not None and channel and chosen.channel_type != channel:
                kind = ChannelType(chosen.channel_type).label
                self.add_error(name, f"This one is for {kind}: choose one for the channel type.")
        self._check_column(data)
        self._check_sender(data, channel)
        return data

    def _check_column(self, data: dict[str, Any]) -> None:
        column, audience = data.get("recipient_column"), data.get("audience")
        if not column or audience is None:
            return
        known = (*recipients.OWN_COLUMNS, *audience.columns)
        if column not in known:
            self.add_error(
                "recipient_column",
                f"The audience has no such column. It has: {', '.join(known)}.",
            )

    def _check_sender(self, data: dict[str, Any], channel: str) -> None:
        sender = data.get("from_address")
        if not sender or channel != ChannelType.EMAIL:
            return
        try:
            data["from_address"] = clean_address(channel, sender)
        except InvalidMessage as error:
            self.add_error("from_address", ValidationError(str(error)))


def free_identifier(name: str, campaign: Campaign) -> str:
    """An identifier made from the name, with a number where it is taken."""
    stem = slugify(name)[:52] or "campaign"
    taken = set(
        Campaign.objects.exclude(pk=campaign.pk)
        .filter(identifier__startswith=stem)
        .values_list("identifier", flat=True)
    )
    identifier, number = stem, 2
    while identifier in taken:
        identifier, number = f"{stem}-{number}", number + 1
    return identifier
