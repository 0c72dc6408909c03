from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnichannel.backends.anymail import AnymailBackend


class Brevo(AnymailBackend):
    slug = "anymail-brevo"
    label = "Brevo"
    esp = "anymail.backends.brevo.EmailBackend"
    api_url = "https://api.brevo.com/v3/"
    tracks = False  # the account decides
    documentation = "https://developers.brevo.com/reference/sendtransacemail"

    def settings(self) -> Mapping[str, Any]:
        return {
            **super().settings(),
            "workaround_display_name_bugs": True,
            "prevent_header_encoding_bugs": True,
        }
