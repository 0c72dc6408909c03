from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnichannel.backends.anymail import AnymailBackend


class UnisenderGo(AnymailBackend):
    slug = "anymail-unisender-go"
    label = "Unisender Go"
    esp = "anymail.backends.unisender_go.EmailBackend"
    required = ("service_url", "app_key")  # the URL depends on the account's data centre
    documentation = "https://godocs.unisender.ru/web-api-ref"

    def settings(self) -> Mapping[str, Any]:
        return {
            **super().settings(),
            "generate_message_id": True,
            "workaround_display_name_bugs": True,
        }
