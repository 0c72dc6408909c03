"""Files of other systems are fetched; our own network, endless and slow ones are not."""

from __future__ import annotations

import io

import pytest

from omnichannel.backends.outside_file import fetch
from omnichannel.backends.outside_line import NoAnswer, Target
from tests.servers import http
from tests.servers.http import Answer, HttpServer

CSV = b"email\nana@example.com\n"


def fetched(url: str, *, most: int = 1_000_000, seconds: float = 5, allow_private=True) -> bytes:
    into = io.BytesIO()
    fetch(Target(url, allow_private=allow_private), into, most=most, seconds=seconds)
    return into.getvalue()


def test_file_is_fetched_whole():
    with HttpServer(Answer(200, CSV * 10_000)) as server:
        assert fetched(f"{server.url}/people.csv?key=1") == CSV * 10_000

    assert (server.requests[0].method, server.requests[0].path) == ("GET", "/people.csv?key=1")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(404), "status"),
        (Answer(302, headers={"Location": "https://example.com/"}), "status"),
        (Answer(200, CSV, headers={"Content-Encoding": "gzip"}), "packed"),
        (Answer(200, CSV, manner=http.CUT_BODY), "broken"),
        (Answer(200, CSV, manner=http.RESET), "broken"),
        (Answer(200, manner=http.FLOOD_HEAD), "broken"),
        (Answer(200, b"no answer at all\r\n\r\n", manner=http.RAW), "broken"),
    ],
)
def test_what_is_no_file_is_refused(answer, code):
    with HttpServer(answer) as server, pytest.raises(NoAnswer) as refused:
        fetched(server.url)

    assert refused.value.code == code
    assert len(server.requests) == 1


@pytest.mark.parametrize("manner", [http.USUAL, http.CHUNKED])
def test_largest_file_is_taken_and_a_larger_one_is_not(manner):
    with HttpServer(Answer(200, b"12345", manner=manner)) as server:
        assert fetched(server.url, most=5) == b"12345"
        with pytest.raises(NoAnswer) as refused:
            fetched(server.url, most=4)

    assert refused.value.code == "large"


def test_endless_file_is_broken_off():
    with HttpServer(Answer(200, manner=http.FLOOD_BODY)) as server, pytest.raises(NoAnswer):
        fetched(server.url)


@pytest.mark.parametrize("manner", [http.HANG, http.DRIP_HEAD, http.DRIP_BODY])
def test_slow_server_costs_no_more_than_the_deadline(manner):
    with HttpServer(Answer(200, manner=manner)) as server, pytest.raises(NoAnswer) as refused:
        fetched(server.url, seconds=0.5, most=2_000_000_000)

    assert refused.value.code == "timeout"


def test_our_own_network_is_not_asked():
    with HttpServer(Answer(200, CSV)) as server:
        for url in (server.url, server.url.replace("http:", "https:"), "https://169.254.169.254/"):
            with pytest.raises(NoAnswer) as refused:
                fetched(url, allow_private=False)
            assert refused.value.code == "refused"

    assert server.connections == 0
