"""Where calls go, and a request as bytes."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, unquote, urlsplit

import idna
from requests.utils import get_environ_proxies, select_proxy

from omnichannel.exceptions import ProviderRefused, ProviderUnavailable

PORTS = {"http": 80, "https": 443}
TARGET = re.compile(r"[!-~]+")
BREAKERS = re.compile(r"[\x00-\x1f\x7f]")
AGENT = "omnichannel-studio"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that the environment names (HTTP_PROXY, HTTPS_PROXY, NO_PROXY)."""

    host: str
    port: int
    authorization: str = ""  # the value of Proxy-Authorization


@dataclass(frozen=True, slots=True)
class Peer:
    """The server of a Service URL, and the proxy on the way there."""

    scheme: str
    host: str
    port: int
    proxy: Proxy | None = None

    @property
    def name(self) -> str:
        """As the Host header has it (RFC 9110)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_through_proxy(self) -> bool:
        """The proxy reads the requests; one for https only passes bytes on."""
        return self.proxy is not None and self.scheme == "http"


def base_url(service_url: str, default: str) -> str:
    """Without the slash at its end. Raises ProviderRefused unless it is http or https."""
    url = (service_url or default).rstrip("/")
    if urlsplit(url).scheme not in ("http", "https"):
        raise ProviderRefused("The Service URL must begin with https://")
    return url


def peer_of(url: str) -> Peer:
    """Raises ProviderRefused for a URL without a host that can be."""
    return replace(direct_peer_of(url), proxy=_proxy_for(url))


def direct_peer_of(url: str) -> Peer:
    """Whatever proxy the environment names. Raises ProviderRefused as `peer_of` does."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ProviderRefused("The Service URL must begin with https:// and a host.")
    return Peer(parts.scheme, _host(parts), _port(parts))


def target_of(url: str) -> str:
    """The path and query of `url` as a request line has them. Raises ProviderRefused."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not TARGET.fullmatch(target):
        raise ProviderRefused("The Service URL has an impossible letter.")
    return target


class RequestHead:
    """What all requests to one place share. Raises ProviderRefused for impossible letters."""

    def __init__(self, peer: Peer, method: str, url: str, headers: Mapping[str, str]) -> None:
        target = target_of(url)
        if peer.is_through_proxy:
            target = f"http://{peer.name}{target}"
        fields = {
            "Host": peer.name,
            "User-Agent": AGENT,
            "Accept": "*/*",
            "Accept-Encoding": "identity",  # a packed megabyte could be a gigabyte
            **headers,
        }
        if peer.is_through_proxy and peer.proxy and peer.proxy.authorization:
            fields["Proxy-Authorization"] = peer.proxy.authorization
        lines = [f"{method} {target} HTTP/1.1"]
        lines += [_field(name, value) for name, value in fields.items()]
        try:
            self._start = "\r\n".join([*lines, "Content-Length: "]).encode("latin-1")
        except UnicodeError as error:
            raise ProviderRefused("The key has an impossible letter.") from error

    def with_body(self, body: bytes = b"") -> bytes:
        return b"".join((self._start, str(len(body)).encode(), b"\r\n\r\n", body))


def basic(user: str, password: str) -> str:
    """The value of an Authorization header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _field(name: str, value: str) -> str:
    if BREAKERS.search(value):
        raise ProviderRefused("The key has an impossible letter.")
    return f"{name}: {value}"


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if host.isascii():
        if not TARGET.fullmatch(host):
            raise ProviderRefused("The Service URL has an impossible host.")
        return host
    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError as error:
        raise ProviderRefused(f"The Service URL has an impossible host: {error}") from error


def _port(parts: SplitResult) -> int:
    try:
        return parts.port or PORTS[parts.scheme]
    except ValueError as error:
        raise ProviderRefused("The Service URL has an impossible port.") from error


def _proxy_for(url: str) -> Proxy | None:
    found = select_proxy(url, get_environ_proxies(url))
    if not found:
        return None
    parts = urlsplit(found if "://" in found else f"http://{found}")
    if parts.scheme != "http" or not parts.hostname:
        raise ProviderUnavailable("The proxy in the environment must begin with http://")
    user = unquote(parts.username or "")
    secret = basic(user, unquote(parts.password or "")) if user else ""
    return Proxy(parts.hostname, _port(parts), secret)
