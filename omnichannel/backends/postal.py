from __future__ import annotations

import requests

from omnichannel.backends.anymail import AnymailBackend
from omnichannel.exceptions import ProviderRefused, Rejected, SendError


class Postal(AnymailBackend):
    slug = "anymail-postal"
    label = "Postal (self-hosted)"
    esp = "anymail.backends.postal.EmailBackend"
    tracks = False  # the server decides
    takes_metadata = False  # events are matched by Postal's own id
    required = ("service_url", "app_key")
    documentation = "https://docs.postalserver.io/developer/api"

    def judge(self, answer: requests.Response) -> SendError | None:
        # Failures come with status 200: {"status": "error", "data": {"code", "message"}}
        try:
            found = answer.json()
            if found["status"] not in ("error", "parameter-error"):
                return None
            code, text = str(found["data"].get("code", "")), str(found["data"].get("message", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        if code in ("AccessDenied", "InvalidServerAPIKey", "ServerSuspended"):
            return ProviderRefused(f"{code}: {text}", code=code)
        return Rejected(f"{code}: {text}", code=code)
