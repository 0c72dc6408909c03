"""A call to a partner's AS2 station: one total deadline, no redirect, no proxy, bounded answer.

Only addresses of the internet are called, unless INTEGRATIONS_ALLOW_PRIVATE_HOSTS opens our own
network. Plain http is allowed there too, as AS2 messages are encrypted themselves.
"""

from __future__ import annotations

import ipaddress
import select
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from omnichannel.backends.deadline import Clock, dial_one_of
from omnichannel.backends.http_answer import Answer, AnswerReader
from omnichannel.backends.http_dial import trust
from omnichannel.backends.http_request import Peer, RequestHead, direct_peer_of, target_of
from omnichannel.backends.outside import (
    FREE_PORTS,
    LONGEST_URL,
    USUAL_PORTS,
    AddressRefused,
    Resolver,
    is_own,
    is_public,
)
from omnichannel.backends.outside_line import NoAnswer, why
from omnichannel.exceptions import ProviderTrouble

MOST = 1_000_000  # bytes of an answer
PIECE = 65_536


@dataclass(frozen=True)
class Call:
    """What goes where. `seconds` are for all of it."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    verify_tls: bool = True


def post(call: Call, *, resolve: Resolver | None = None) -> Answer:
    """Whatever it answers. Raises NoAnswer."""
    clock = Clock()
    clock.start(call.seconds)
    try:
        peer = check_url(call.url)
        head = RequestHead(peer, "POST", call.url, {**call.headers, "Connection": "close"})
        sock = _connected(peer, clock, call.verify_tls, resolve)
    except (AddressRefused, ProviderTrouble) as error:
        raise NoAnswer(str(error), code="refused") from error
    with sock:
        return _exchanged(sock, head.with_body(call.body), clock)


def check_url(url: str) -> Peer:
    """Where it leads, as far as it tells by itself. Raises AddressRefused."""
    if len(url) > LONGEST_URL:
        raise AddressRefused(f"A URL has at most {LONGEST_URL} characters.")
    try:
        parts = urlsplit(url)
        peer, _ = direct_peer_of(url), target_of(url)
    except (ProviderTrouble, ValueError) as error:
        raise AddressRefused(str(error).replace("Service URL", "URL")) from error
    if "@" in parts.netloc or "\\" in url:
        raise AddressRefused("Leave the user and password out of the URL.")
    if peer.port != USUAL_PORTS[peer.scheme] and peer.port not in FREE_PORTS:
        raise AddressRefused("Use port 80, 443, or one from 1024 on.")
    return peer


def same_host(left: str, right: str) -> bool:
    """Whether two URLs lead to the host of the same name."""
    try:
        return direct_peer_of(left).host.lower() == direct_peer_of(right).host.lower()
    except (ProviderTrouble, ValueError):
        return False


def _connected(
    peer: Peer, clock: Clock, verify_tls: bool, resolve: Resolver | None
) -> socket.socket:
    """To one of the addresses its name has now, all of them judged. Raises NoAnswer."""
    try:
        sock = dial_one_of(_addresses(peer, resolve), clock)
    except (OSError, UnicodeError) as error:
        raise NoAnswer(f"No connection: {why(error)}", code="connect") from error
    if peer.scheme != "https":
        return sock
    try:
        return _encrypted(sock, peer, clock, verify_tls)
    except ssl.SSLError as error:
        text = f"No safe connection to {peer.name}: {error}"
        raise NoAnswer(text, code="tls") from error
    except (OSError, UnicodeError) as error:
        raise NoAnswer(f"No connection: {why(error)}", code="connect") from error


def _addresses(peer: Peer, resolve: Resolver | None) -> list[tuple[int, Any]]:
    found = list((resolve or socket.getaddrinfo)(peer.host, peer.port, type=socket.SOCK_STREAM))
    for entry in found:
        _judge(entry[4][0], peer)
    return [(entry[0], entry[4]) for entry in found]


def _judge(text: str, peer: Peer) -> None:
    """Raises AddressRefused."""
    try:
        ip = ipaddress.ip_address(text.partition("%")[0])
    except ValueError as error:
        raise AddressRefused(f"{peer.host} has no address that can be called.") from error
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    may_be_own = settings.INTEGRATIONS_ALLOW_PRIVATE_HOSTS
    if not is_public(ip) and not (may_be_own and is_own(ip)):
        raise AddressRefused(f"{peer.host} has the address {ip}: that is not on the internet.")


def _encrypted(sock: socket.socket, peer: Peer, clock: Clock, verify_tls: bool) -> ssl.SSLSocket:
    sock.setblocking(False)
    context = trust() if verify_tls else _without_trust()
    safe = context.wrap_socket(sock, server_hostname=peer.host, do_handshake_on_connect=False)
    try:
        while True:
            try:
                safe.do_handshake()
                return safe
            except ssl.SSLWantReadError:
                _wait(safe, select.POLLIN, clock)
            except ssl.SSLWantWriteError:
                _wait(safe, select.POLLOUT, clock)
    except BaseException:
        safe.close()
        raise


def _without_trust() -> ssl.SSLContext:
    """Encrypted, but to whoever answers: the operator chose it for this partner."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _wait(sock: socket.socket, events: int, clock: Clock) -> None:
    poll = select.poll()
    poll.register(sock, events)
    poll.poll(clock.remaining() * 1000)


def _exchanged(sock: socket.socket, data: bytes, clock: Clock) -> Answer:
    reader = AnswerReader()
    try:
        view = memoryview(data)
        while view:
            sock.settimeout(clock.remaining())
            view = view[sock.send(view[:PIECE]) :]
        _read(sock, reader, clock)
    except TimeoutError as error:
        raise NoAnswer("No answer in time.", code="timeout") from error
    except OSError as error:
        raise NoAnswer(f"The connection broke: {why(error)}", code="broken") from error
    return reader.answer()


def _read(sock: socket.socket, reader: AnswerReader, clock: Clock) -> None:
    left = MOST
    while not reader.is_done and left > 0:
        sock.settimeout(clock.remaining())
        data = sock.recv(min(PIECE, left))
        if not data:
            reader.ended()
            break
        left -= len(data)
        reader.feed(data)
    if not reader.has_status:
        raise ConnectionResetError("it was closed without an answer")
