from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from omnichannel.backends.anymail import AnymailBackend


class MailgunForm(forms.Form):
    sender_domain = forms.CharField(
        required=False,
        max_length=253,
        help_text="The domain set up at Mailgun. Empty: that of the From Address.",
    )


class Mailgun(AnymailBackend):
    slug = "anymail-mailgun"
    label = "Mailgun"
    esp = "anymail.backends.mailgun.EmailBackend"
    api_url = "https://api.mailgun.net/v3"  # https://api.eu.mailgun.net/v3 for Europe
    config_form = MailgunForm
    documentation = "https://documentation.mailgun.com/docs/mailgun/api-reference/"

    def settings(self) -> Mapping[str, Any]:
        return {**super().settings(), "sender_domain": self.option("sender_domain")}
