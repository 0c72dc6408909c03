"""Who a message is from: the checks of sender addresses."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import RegexValidator

from omnichannel.addresses import clean_address
from omnichannel.admin.base import TabularInline
from omnichannel.choices import ChannelType
from omnichannel.exceptions import InvalidMessage
from omnichannel.models import SenderAddress

one_line = RegexValidator(
    r"[\r\n\0]", "A line break is not allowed here.", "line_break", inverse_match=True
)


def check_sender(channel_type: str, address: str) -> str:
    """A sender's address in stored form; for SMS a short sender name is one too."""
    address = address.strip()
    one_line(address)
    if address and channel_type == ChannelType.EMAIL:
        try:
            return clean_address(channel_type, address)
        except InvalidMessage as error:
            raise forms.ValidationError(str(error)) from error
    return address


class SenderAddressForm(forms.ModelForm):
    class Meta:
        model = SenderAddress
        fields = ("address", "name", "is_default")

    def __init__(self, *args: Any, channel_type: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.channel_type = channel_type

    def clean_address(self) -> str:
        return check_sender(self.channel_type, self.cleaned_data["address"])

    def clean_name(self) -> str:
        one_line(self.cleaned_data["name"])
        return self.cleaned_data["name"]


class SenderAddressFormSet(TabularInline.formset):
    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        return {**super().get_form_kwargs(index), "channel_type": self.instance.channel_type}


class SenderAddressInline(TabularInline):
    model = SenderAddress
    form = SenderAddressForm
    formset = SenderAddressFormSet
    extra = 0
    hide_title = True
    verbose_name_plural = "further sender addresses"
