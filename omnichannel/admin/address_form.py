"""Forms in which a person types an address of one channel."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings

from omnichannel.addresses import clean_address
from omnichannel.exceptions import InvalidMessage


class AddressForm(forms.ModelForm):
    """Brings `address` into the form in which it is compared, for `channel_type`."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("address") and cleaned.get("channel_type"):
            try:
                address = clean_address(
                    cleaned["channel_type"], cleaned["address"], settings.DEFAULT_PHONE_REGION
                )
            except InvalidMessage as error:
                self.add_error("address", str(error))
            else:
                cleaned["address"] = address.lower()
        return cleaned
