"""Who is at the other end of a request."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_ip(request: HttpRequest) -> str | None:
    """The visitor's address. A proxy is believed when it is the TRUSTED_PROXY, and its last word
    only: whatever stands before that in X-Forwarded-For the visitor may have written.
    """
    address = request.META.get("REMOTE_ADDR", "")
    if settings.TRUSTED_PROXY and address in (settings.TRUSTED_PROXY, ""):
        address = request.headers.get("X-Forwarded-For", address).rpartition(",")[2].strip()
    try:
        return str(ip_address(address))
    except ValueError:
        return None
