from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnichannel.backends.anymail import AnymailBackend


class Resend(AnymailBackend):
    slug = "anymail-resend"
    label = "Resend"
    esp = "anymail.backends.resend.EmailBackend"
    api_url = "https://api.resend.com/"
    tracks = False  # the domain's settings decide
    documentation = "https://resend.com/docs/api-reference/errors"

    def settings(self) -> Mapping[str, Any]:
        return {**super().settings(), "verify_attachment_extensions": True}
