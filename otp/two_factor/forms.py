from __future__ import annotations

from typing import Any

from django import forms

from omnichannel.admin.base import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

CODE = {"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
DIGITS = {**CODE, "inputmode": "numeric"}
LETTERS = {**CODE, "autocapitalize": "none", "autocomplete": "off"}


class CodeForm(forms.Form):
    """A code of digits, as an app shows it or a message brings it."""

    code = forms.CharField(
        label="Code", max_length=20, widget=UnfoldAdminTextInputWidget(attrs=DIGITS)
    )


class StepForm(CodeForm):
    """The second step of a sign-in; `days` a browser may be remembered, 0 for never."""

    remember = forms.BooleanField(required=False, widget=UnfoldBooleanWidget())

    def __init__(self, *args: Any, days: int, is_backup: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_backup:
            self.fields["code"].label = "Backup code"
            self.fields["code"].widget.attrs.update(LETTERS)
            self.fields["code"].widget.attrs.pop("inputmode", None)
        if days and not is_backup:
            self.fields["remember"].label = f"Do not ask in this browser for {days} days"
        else:
            del self.fields["remember"]


class AppForm(CodeForm):
    name = forms.CharField(
        label="Name of the device",
        max_length=64,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Phone", "autocomplete": "off"}),
        help_text="So that you know it again in the list. May stay empty.",
    )
    field_order = ("code", "name")


class NumberForm(forms.Form):
    destination = forms.CharField(
        label="Mobile number",
        max_length=40,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "tel", "inputmode": "tel", "autofocus": True}
        ),
        help_text="With the country code, such as +1 202 555 0143.",
    )


class AddressForm(forms.Form):
    destination = forms.CharField(
        label="E-mail address",
        max_length=320,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "email", "inputmode": "email", "autofocus": True}
        ),
    )


class PasswordForm(forms.Form):
    password = forms.CharField(
        label="Password",
        max_length=4096,
        strip=False,
        widget=UnfoldAdminPasswordWidget(
            attrs={"autocomplete": "current-password", "autofocus": True}
        ),
    )
