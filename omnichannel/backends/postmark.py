from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from omnichannel.backends.anymail import AnymailBackend


class PostmarkForm(forms.Form):
    message_stream = forms.CharField(
        required=False, max_length=100, help_text="Empty: “outbound”, the transactional one."
    )


class Postmark(AnymailBackend):
    slug = "anymail-postmark"
    label = "Postmark"
    esp = "anymail.backends.postmark.EmailBackend"
    api_url = "https://api.postmarkapp.com/"
    uses = {"service_url": "Service URL", "app_key": "Server token"}
    config_form = PostmarkForm
    documentation = "https://postmarkapp.com/developer/api/overview#error-codes"

    def settings(self) -> Mapping[str, Any]:
        return {
            "server_token": self.config.app_key.strip(),
            "message_stream": self.option("message_stream"),
            "use_bulk_api": False,
            "generate_message_id": False,
        }
