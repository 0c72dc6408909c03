"""The form of a campaign: its choices by channel, its checks across fields."""

from __future__ import annotations

from typing import Any

from django import forms

from campaigns import drafting
from campaigns.models import Campaign
from omnichannel.admin.base import UnfoldAdminSelectWidget


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
            "needs_consent",
            "starts_at",
            "ends_at",
            "priority",
            "rate_limit",
            "calendar",
            "on_weekends",
            "on_holidays",
            "max_delay_days",
            "is_cap_exempt",
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
        for name in ("on_weekends", "on_holidays"):
            if name in self.fields:
                self.fields[name].required = False
        calendar = self.fields.get("calendar")
        if isinstance(calendar, forms.ModelChoiceField):
            calendar.empty_label = "None: Saturday and Sunday, UTC"

    def clean_identifier(self) -> str:
        given = self.cleaned_data["identifier"]
        return given or drafting.free_identifier(self.cleaned_data.get("name", ""), self.instance)

    def clean_on_weekends(self) -> str:
        return self.cleaned_data["on_weekends"] or self.instance.on_weekends

    def clean_on_holidays(self) -> str:
        return self.cleaned_data["on_holidays"] or self.instance.on_holidays

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for name, text in drafting.faults(data).items():
            self.add_error(name, text)
        if not self.has_error("from_address"):
            data["from_address"] = drafting.sender_of(data)
        self._take_priority(data)
        return data

    def _take_priority(self, data: dict[str, Any]) -> None:
        """A new campaign has its template's priority, unless somebody chose another."""
        template = data.get("template")
        if self.instance.pk or template is None or "priority" in self.changed_data:
            return
        if template.priority is not None:
            data["priority"] = template.priority
