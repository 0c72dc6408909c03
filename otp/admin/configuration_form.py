"""The form of the OTP Configuration Manager: what it takes, and what it says of it."""

from __future__ import annotations

import re
from typing import Any

import phonenumbers
from django import forms

from omnichannel.admin.base import UnfoldAdminTextInputWidget
from otp.models import OtpConfiguration
from otp.models.configurations import SHORT_FAILURES, SHORT_LENGTH, SHORT_TRIES

MOST_COUNTRIES = 300
# Of a code of four characters: the field, and the most that it may say.
SHORT_LIMITS = {"tries": SHORT_TRIES, "failures_per_destination_day": SHORT_FAILURES}


class CountriesField(forms.CharField):
    """["GB", "RO"], typed as GB, RO."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        names = re.split(r"[\s,;]+", super().to_python(value) or "")
        return list(dict.fromkeys(name.upper() for name in names if name))

    def validate(self, value: Any) -> None:
        super().validate(value)
        unknown = [name for name in value if name not in phonenumbers.SUPPORTED_REGIONS]
        if unknown:
            shown = ", ".join(f"“{name[:20]}”" for name in unknown[:5])
            raise forms.ValidationError(
                f"{shown}: no such country. Write codes of two letters (ISO 3166), such as GB, RO."
            )

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(data) != (initial or []))


class ConfigurationForm(forms.ModelForm):
    countries = CountriesField(
        required=False,
        max_length=MOST_COUNTRIES * 4,
        widget=UnfoldAdminTextInputWidget(attrs={"spellcheck": "false"}),
        help_text="Countries to which SMS may go, such as GB, RO. Empty: only that of "
        "DEFAULT_PHONE_REGION.",
    )

    class Meta:
        model = OtpConfiguration
        exclude: tuple[str, ...] = ()

    def clean_is_default(self) -> bool:
        is_default: bool = self.cleaned_data["is_default"]
        others = OtpConfiguration.objects.filter(is_default=True).exclude(pk=self.instance.pk)
        if is_default and (other := others.first()):
            raise forms.ValidationError(
                f"“{other}” is the default: untick it there first. There is only one."
            )
        return is_default

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if (found.get("length") or SHORT_LENGTH + 1) > SHORT_LENGTH:
            return found
        for name, most in SHORT_LIMITS.items():
            if (found.get(name) or 0) > most:
                self.add_error(name, f"A code of four characters allows {most} at most.")
        return found
