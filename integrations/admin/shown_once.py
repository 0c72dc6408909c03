"""A secret between the request that made it and the page that shows it, once."""

from __future__ import annotations

import time

from django.http import HttpRequest

from omnichannel import crypto

SECONDS = 600
PREFIX = "shown_once_"


def keep(request: HttpRequest, name: str, secret: str) -> None:
    """For the next page of this operator only. Encrypted: the session is in the database."""
    request.session[PREFIX + name] = [crypto.encrypt(secret), time.time() + SECONDS]


def take(request: HttpRequest, name: str) -> str:
    """The secret, and from now on nobody has it. Empty when there is none."""
    token, until = request.session.pop(PREFIX + name, ("", 0))
    if not token or until < time.time():
        return ""
    try:
        return crypto.decrypt(token)
    except crypto.SecretUnreadable:
        return ""
