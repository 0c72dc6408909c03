"""Which addresses strangers may make us call: those of the internet, and none of our own network.

The name is resolved once, every address it has is judged, and the connection goes to one of these
very addresses: a name that means something else a moment later (DNS rebinding) changes nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from omnichannel.backends.http_request import Peer, direct_peer_of, target_of
from omnichannel.exceptions import OmnichannelError, ProviderTrouble

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[..., Iterable[Any]]

USUAL_PORTS = {"https": 443, "http": 80}
FREE_PORTS = range(1024, 65536)
LONGEST_URL = 1000
# Where clouds tell their machines' own secrets; no setting opens these.
METADATA = frozenset(
    map(ipaddress.ip_address, ("169.254.169.254", "100.100.100.200", "fd00:ec2::254"))
)
# Global by the book of ipaddress, or of some versions of it, yet not the internet, or a way
# around: other addresses are wrapped in them.
NEVER = tuple(
    map(
        ipaddress.ip_network,
        (
            *("0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24"),
            *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
            *("::/128", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23"),
            *("2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fe80::/10", "fec0::/10"),
            *("ff00::/8",),
        ),
    )
)
# A company's own network.
PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        (
            *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "100.64.0.0/10"),
            *("::1/128", "fc00::/7"),
        ),
    )
)
PUBLIC_6 = ipaddress.ip_network("2000::/3")


class AddressRefused(OmnichannelError):
    """This URL, or the address its host has, is none that may be called."""


def check_url(url: str, *, allow_private: bool) -> Peer:
    """Where the URL leads, as far as it tells by itself. Raises AddressRefused."""
    if len(url) > LONGEST_URL:
        raise AddressRefused(f"A URL has at most {LONGEST_URL} characters.")
    if not re.fullmatch(r"[!-~]+", url) or "\\" in url:
        raise AddressRefused("The URL has an impossible letter.")
    try:
        parts = urlsplit(url)
        peer, _ = direct_peer_of(url), target_of(url)
    except (ProviderTrouble, ValueError) as error:
        raise AddressRefused(str(error).replace("Service URL", "URL")) from error
    if "@" in parts.netloc:
        raise AddressRefused("Leave the user and password out of the URL.")
    if parts.fragment:
        raise AddressRefused("Leave the part after # out of the URL.")
    if peer.scheme != "https" and not allow_private:
        raise AddressRefused("The URL must begin with https://")
    if peer.port != USUAL_PORTS[peer.scheme] and peer.port not in FREE_PORTS:
        raise AddressRefused("Use port 443, or one from 1024 on.")
    _judge_literal(peer, allow_private=allow_private)
    return peer


def addresses_of(
    peer: Peer, *, allow_private: bool, resolve: Resolver | None = None
) -> list[tuple[int, Any]]:
    """(family, address) to connect to. Raises AddressRefused, or OSError when there is none.

    One bad address among good ones is enough to refuse: nobody needs such a name.
    """
    resolve = resolve or socket.getaddrinfo
    found = list(resolve(peer.host, peer.port, type=socket.SOCK_STREAM))
    if not found:
        raise ConnectionError(f"{peer.host} has no address")
    for entry in found:
        _judge(_ip(entry[4][0]), peer, allow_private=allow_private)
    return [(entry[0], entry[4]) for entry in found]


def _judge_literal(peer: Peer, *, allow_private: bool) -> None:
    try:
        ip = ipaddress.ip_address(peer.host)
    except ValueError:
        return
    _judge(ip, peer, allow_private=allow_private)


def _ip(text: str) -> IP:
    """Without the zone (`fe80::1%eth0`). Raises AddressRefused."""
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError as error:
        raise AddressRefused(f"{text} is no address.") from error


def _judge(ip: IP, peer: Peer, *, allow_private: bool) -> None:
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if is_public(ip):
        if peer.scheme != "https":
            raise AddressRefused("Without https only your own network is called.")
    elif not (allow_private and is_own(ip)):
        raise AddressRefused(f"{peer.host} has the address {ip}: that is not on the internet.")


def is_public(ip: IP) -> bool:
    """An address of one machine on the internet."""
    if isinstance(ip, ipaddress.IPv6Address) and ip not in PUBLIC_6:
        return False
    return ip.is_global and not _is_in(ip, NEVER) and not _is_in(ip, PRIVATE)


def is_own(ip: IP) -> bool:
    """An address of a company's own network."""
    return _is_in(ip, PRIVATE) and ip not in METADATA


def _is_in(ip: IP, networks: Iterable[Any]) -> bool:
    return any(ip in network for network in networks if network.version == ip.version)
