"""A file that another system keeps: one total deadline, a bound on its size, no redirect."""

from __future__ import annotations

import http.client
from contextlib import closing
from typing import IO, Any

from omnichannel.backends.deadline import Clock, DeadlineSocket
from omnichannel.backends.http_request import RequestHead
from omnichannel.backends.outside import AddressRefused, check_url
from omnichannel.backends.outside_line import NoAnswer, Target, connected
from omnichannel.exceptions import ProviderTrouble

HEAD = 128 * 1024  # bytes that an answer may have around its file
PIECE = 64 * 1024


def fetch(target: Target, into: IO[bytes], *, most: int, seconds: float) -> None:
    """Write the file at the URL, which has at most so many bytes, to `into`. Raises NoAnswer."""
    clock = Clock()
    clock.start(seconds, allowance=most + HEAD)
    request = _request(target)
    with closing(connected(target, clock)) as sock:
        line: Any = DeadlineSocket(sock, clock)
        try:
            line.sendall(request)
            with closing(http.client.HTTPResponse(line, method="GET")) as answer:
                answer.begin()
                _take(answer, into, most)
        except TimeoutError as error:
            raise NoAnswer("The file did not come in time.", code="timeout") from error
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"The file did not come: {error!r}", code="broken") from error


def _request(target: Target) -> bytes:
    try:
        peer = check_url(target.url, allow_private=target.allow_private)
        return RequestHead(peer, "GET", target.url, {"Connection": "close"}).with_body()
    except (AddressRefused, ProviderTrouble) as error:
        raise NoAnswer(str(error), code="refused") from error


def _take(answer: http.client.HTTPResponse, into: IO[bytes], most: int) -> None:
    if 300 <= answer.status < 400:
        raise NoAnswer("The URL leads to another one: give that.", code="status")
    if answer.status != http.HTTPStatus.OK:
        raise NoAnswer(f"The URL was answered with {answer.status}.", code="status")
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise NoAnswer("The file came packed, which was not asked for.", code="packed")
    size = answer.length or 0
    while size <= most and (piece := answer.read(PIECE)):
        into.write(piece)
        size = max(size, into.tell())
    if size > most:
        raise NoAnswer(f"The file is larger than {most // 1024**2:,} MB.", code="large")
    if answer.length:
        raise NoAnswer("The file broke off before its end.", code="broken")
