from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnichannel.backends.anymail import AnymailBackend


class Mailjet(AnymailBackend):
    slug = "anymail-mailjet"
    label = "Mailjet"
    esp = "anymail.backends.mailjet.EmailBackend"
    api_url = "https://api.mailjet.com/v3.1/"
    uses = {"service_url": "Service URL", "app_key": "API key", "app_password": "Secret key"}
    required = ("app_key", "app_password")
    documentation = "https://dev.mailjet.com/email/guides/send-api-v31/"

    def settings(self) -> Mapping[str, Any]:
        return {**super().settings(), "secret_key": self.config.app_password.strip()}
