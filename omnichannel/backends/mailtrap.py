from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from omnichannel.backends.anymail import AnymailBackend


class MailtrapForm(forms.Form):
    sandbox_id = forms.CharField(
        required=False,
        max_length=20,
        help_text="To deliver into a Mailtrap sandbox: its number, and "
        "https://sandbox.api.mailtrap.io/api/ as the Service URL.",
    )


class Mailtrap(AnymailBackend):
    slug = "anymail-mailtrap"
    label = "Mailtrap"
    esp = "anymail.backends.mailtrap.EmailBackend"
    api_url = "https://send.api.mailtrap.io/api/"
    tracks = False  # the domain's settings decide
    uses = {"service_url": "Service URL", "app_key": "API token"}
    config_form = MailtrapForm
    documentation = "https://docs.mailtrap.io/developers"

    def settings(self) -> Mapping[str, Any]:
        return {
            "api_token": self.config.app_key.strip(),
            "sandbox_id": self.option("sandbox_id"),
        }
