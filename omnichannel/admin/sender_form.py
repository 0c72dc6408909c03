"""Who a message is from: a provider's further sender addresses."""

from __future__ import annotations

from typing import Any

from django import forms

from omnichannel.admin.base import TabularInline
from omnichannel.models import SenderAddress
from omnichannel.provider_rules import check_sender, one_line

__all__ = ["SenderAddressInline", "one_line"]


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
