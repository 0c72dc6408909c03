from __future__ import annotations

import requests

from omnichannel.backends.anymail import AnymailBackend
from omnichannel.exceptions import ProviderRefused, SendError


class Mandrill(AnymailBackend):
    slug = "anymail-mandrill"
    label = "Mandrill (Mailchimp Transactional)"
    esp = "anymail.backends.mandrill.EmailBackend"
    api_url = "https://mandrillapp.com/api/1.0"
    documentation = "https://mailchimp.com/developer/transactional/docs/error-glossary/"

    def judge(self, answer: requests.Response) -> SendError | None:
        # A wrong key is answered with 500, which would be tried again for ever.
        if "Invalid_Key" in answer.text:
            return ProviderRefused("Mandrill does not know this API key.", code="401")
        return None
