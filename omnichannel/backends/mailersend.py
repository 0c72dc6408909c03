from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnichannel.backends.anymail import AnymailBackend


class MailerSend(AnymailBackend):
    slug = "anymail-mailersend"
    label = "MailerSend"
    esp = "anymail.backends.mailersend.EmailBackend"
    api_url = "https://api.mailersend.com/v1/"
    takes_metadata = False  # events are matched by MailerSend's own id
    uses = {"service_url": "Service URL", "app_key": "API token"}
    documentation = "https://developers.mailersend.com/api/v1/email.html"

    def settings(self) -> Mapping[str, Any]:
        return {"api_token": self.config.app_key.strip(), "batch_send_mode": None}
