"""HTTP for backends: one end for the whole call, a bounded answer, no redirects, our errors.

Providers on private networks are legitimate in a self-hosted product, so no address is refused.
"""

from __future__ import annotations

import contextlib
import datetime
import math
import socket
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from django.utils import timezone
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from omnichannel.backends.deadline import Clock, DeadlineSocket, dial
from omnichannel.exceptions import (
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    Rejected,
    SendError,
    TemporaryError,
    Throttled,
)

LONGEST_WAIT = 3600.0  # seconds; a provider that asks for more is asked again after this


class DeadlineSession(requests.Session):
    """A requests session whose every call ends with `clock`, body included.

    A body that comes too slowly, or is too long, is cut: the status has told the outcome.
    """

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.headers["Accept-Encoding"] = "identity"  # a packed megabyte could be a gigabyte
        for scheme in ("https://", "http://"):
            self.mount(scheme, _DeadlineAdapter(self.clock))

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        kwargs |= {"allow_redirects": False, "stream": True, "timeout": self.clock.remaining()}
        response = super().send(request, **kwargs)
        body = b""
        with contextlib.suppress(urllib3.exceptions.HTTPError, OSError):
            while piece := response.raw.read(65536, decode_content=False):
                body += piece
        if not response.raw.isclosed():
            response.close()
        response._content = body
        return response

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Never: a redirected request would carry the key to somebody else."""


@contextlib.contextmanager
def errors_of_the_wire(clock: Clock) -> Iterator[None]:
    """Turns what requests raises into what it means for the message."""
    try:
        yield
    except requests.RequestException as error:
        raise wire_error(error, clock) from error
    except TimeoutError as error:
        raise ProviderUnavailable("No time was left to call the provider.") from error
    except UnicodeError as error:
        raise ProviderRefused("The Service URL or the key has an impossible letter.") from error


def wire_error(error: requests.RequestException, clock: Clock) -> SendError:
    cause = _words(error)
    if isinstance(error, ValueError):
        return ProviderRefused(f"The Service URL or the key cannot be used: {cause}")
    if not clock.sent:
        return ProviderUnavailable(f"No connection: {cause}")
    if clock.torn:
        return TemporaryError(f"The connection was lost before all was handed over: {cause}")
    return OutcomeUnknown(f"Handed over, but no answer came: {cause}")


def refusal(status: int, headers: Mapping[str, str], text: str) -> SendError:
    """The error for an HTTP status that is not acceptance."""
    code, wait = str(status), retry_after(headers)
    if status in (401, 403):
        return ProviderRefused(f"{code}: {text}", code=code)
    if status in (404, 405) or 300 <= status < 400:
        where = headers.get("Location", "")
        return ProviderRefused(f"{code}: check the Service URL. {text} {where}".strip(), code=code)
    if status in (420, 429):
        return Throttled(f"{code}: {text}", code=code, retry_after=wait)
    if status >= 500 or status in (408, 425):
        return TemporaryError(f"{code}: {text}", code=code, retry_after=wait)
    return Rejected(f"{code}: {text}", code=code)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from Retry-After (seconds or a date) or X-RateLimit-Reset (epoch)."""
    now = timezone.now()
    value = headers.get("Retry-After", "")
    try:
        seconds = float(value) if value else float(headers["X-RateLimit-Reset"]) - now.timestamp()
    except KeyError:
        return None
    except ValueError:
        seconds = _seconds_until(value, now)
    return min(max(seconds, 0.0), LONGEST_WAIT) if math.isfinite(seconds) else None


def base_url(service_url: str, default: str) -> str:
    """Without the slash at its end. Raises ProviderRefused unless it is http or https."""
    url = (service_url or default).rstrip("/")
    if urlsplit(url).scheme not in ("http", "https"):
        raise ProviderRefused("The Service URL must begin with https://")
    return url


def _seconds_until(date: str, now: datetime.datetime) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() - now.timestamp()
    except (ValueError, OverflowError):
        return math.nan


def _words(error: requests.RequestException) -> str:
    """The innermost reason: urllib3 wraps it in several layers of addresses."""
    inner: object = error
    while isinstance(inner, Exception):
        reason = getattr(inner, "reason", None) or (inner.args[0] if inner.args else None)
        if not isinstance(reason, Exception):
            break
        inner = reason
    return " ".join(str(inner).split())[:300]


class _PlainConnection(HTTPConnection):
    clock: Clock

    def _new_conn(self) -> socket.socket:
        return _dialled(self, self.clock)

    def connect(self) -> None:
        super().connect()
        self.sock = _bounded(self.sock, self.clock)


class _SafeConnection(HTTPSConnection):
    clock: Clock

    def _new_conn(self) -> socket.socket:
        return _dialled(self, self.clock)

    def connect(self) -> None:
        super().connect()
        self.sock = _bounded(self.sock, self.clock)


def _dialled(connection: HTTPConnection, clock: Clock) -> socket.socket:
    try:
        return dial(connection.host, connection.port or 443, clock)
    except OSError as error:
        raise NewConnectionError(connection, str(error)) from error


def _bounded(sock: Any, clock: Clock) -> Any:
    return DeadlineSocket(sock, clock)


class _DeadlineAdapter(HTTPAdapter):
    """Puts the clock under every connection, those through a proxy included."""

    def __init__(self, clock: Clock) -> None:
        plain = type("PlainConnection", (_PlainConnection,), {"clock": clock})
        safe = type("SafeConnection", (_SafeConnection,), {"clock": clock})
        self._pools = {
            "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("Pool", (HTTPSConnectionPool,), {"ConnectionCls": safe}),
        }
        super().__init__(pool_connections=2, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = self._pools
        return manager
