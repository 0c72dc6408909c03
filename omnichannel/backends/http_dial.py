"""A connection to a provider, opened within a deadline: through a proxy, encrypted, verified."""

from __future__ import annotations

import os
import select
import socket
import ssl
from functools import lru_cache

from requests.certs import where

from omnichannel.backends.deadline import Clock, dial
from omnichannel.backends.http_request import Peer
from omnichannel.exceptions import ProviderUnavailable

LONGEST_HEAD = 65_536


def connect(peer: Peer, deadline: float) -> socket.socket:
    """A socket that never blocks. Raises ProviderUnavailable."""
    clock = Clock()
    clock.start(deadline)
    try:
        return _connect(peer, clock)
    except ssl.SSLError as error:
        text = f"No safe connection to {peer.name}: {error}"
        raise ProviderUnavailable(text, code="tls") from error
    except (OSError, UnicodeError) as error:
        raise ProviderUnavailable(f"No connection: {error}", code="connect") from error


def _connect(peer: Peer, clock: Clock) -> socket.socket:
    via = peer.proxy or peer
    sock = dial(via.host, via.port, clock)
    try:
        if peer.proxy and peer.scheme == "https":
            _ask_proxy(sock, peer, clock)
        sock.setblocking(False)
        return encrypted(sock, peer, clock) if peer.scheme == "https" else sock
    except BaseException:
        sock.close()
        raise


def _ask_proxy(sock: socket.socket, peer: Peer, clock: Clock) -> None:
    """CONNECT (RFC 9110, 9.3.6)."""
    host = f"[{peer.host}]" if ":" in peer.host else peer.host
    lines = [f"CONNECT {host}:{peer.port} HTTP/1.1", f"Host: {host}:{peer.port}"]
    if peer.proxy and peer.proxy.authorization:
        lines.append(f"Proxy-Authorization: {peer.proxy.authorization}")
    sock.settimeout(clock.remaining())
    sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    head = b""
    while b"\r\n\r\n" not in head:
        sock.settimeout(clock.remaining())
        byte = sock.recv(1)  # what follows the head belongs to the tunnel
        head += byte
        if not byte or len(head) > LONGEST_HEAD:
            raise ConnectionError("the proxy gave no answer")
    status = head.split(b"\r\n")[0].decode("latin-1")
    if status.split(" ")[1:2] != ["200"]:
        raise ConnectionError(f"the proxy refused: {status[:200]}")


def encrypted(sock: socket.socket, peer: Peer, clock: Clock) -> ssl.SSLSocket:
    """`sock`, which does not block, with TLS for the peer's host. Raises OSError."""
    safe = trust().wrap_socket(sock, server_hostname=peer.host, do_handshake_on_connect=False)
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


def _wait(sock: socket.socket, events: int, clock: Clock) -> None:
    poll = select.poll()
    poll.register(sock, events)
    poll.poll(clock.remaining() * 1000)


def trust() -> ssl.SSLContext:
    """The authorities that are trusted; the environment may name a file of its own."""
    return _context(
        os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or where()
    )


@lru_cache(maxsize=4)
def _context(path: str) -> ssl.SSLContext:
    """Loading them takes 15 ms: once."""
    if os.path.isdir(path):
        return ssl.create_default_context(capath=path)
    return ssl.create_default_context(cafile=path)
