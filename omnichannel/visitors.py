"""Who is at the other end of a request."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

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


def client_network(request: HttpRequest) -> str | None:
    """By what guesses are counted: whoever has one IPv6 address has all of its /64.

    Answers its first address, and an IPv4 address as it is.
    """
    text = client_ip(request)
    if text is None:
        return None
    address = ip_address(text)
    if not isinstance(address, IPv6Address):
        return text
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network(f"{text}/64", strict=False).network_address)
