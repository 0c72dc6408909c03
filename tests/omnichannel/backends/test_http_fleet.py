"""Several calls at once, each message a call: connections, deadlines, and what a failure means."""

from __future__ import annotations

import datetime
import socket
import threading
import time
from collections import Counter

import pytest

from omnichannel.backends.http_fleet import Fleet
from omnichannel.backends.sendgrid import SendGrid
from omnichannel.choices import Outcome
from omnichannel.exceptions import ProviderRefused, ProviderUnavailable
from tests.factories_outgoing import make_config, make_outgoing
from tests.servers import http
from tests.servers.http import Answer, HttpServer
from tests.servers.proxy import TunnelProxy
from tests.servers.tls import START, authority_pem, server_context

ACCEPTED = Answer(202, headers={"X-Message-Id": "sg-1"})
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch, tmp_path):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    (tmp_path / "authority.pem").write_text(authority_pem())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))


def make_backend(server: HttpServer, connections: int = 4, **values) -> SendGrid:
    options = {"messages_per_call": 1, "connections": connections}
    values = {"service_url": server.url, "app_key": "SG.secret", "options": options, **values}
    return SendGrid(make_config(**values))


def people(count: int):
    return [make_outgoing(to=f"p{number}@example.com") for number in range(count)]


def outcomes(results) -> Counter:
    return Counter(result.outcome for result in results)


def test_calls_share_the_connections():
    with HttpServer(ACCEPTED) as server:
        results = list(make_backend(server).deliver(people(60)))

    assert outcomes(results) == {Outcome.ACCEPTED: 60}
    assert len({result.key for result in results}) == 60
    assert 2 <= server.connections <= 4


def test_connections_are_kept_for_the_next_batch():
    with HttpServer(ACCEPTED) as server:
        backend = make_backend(server)
        list(backend.deliver(people(20)))
        before = server.connections
        list(backend.deliver(people(3)))
        backend.close()

    assert server.connections == before


def test_one_message_opens_one_connection():
    with HttpServer(ACCEPTED) as server:
        make_backend(server, 50).send(make_outgoing())

    assert server.connections == 1


def test_as_many_calls_as_connections_are_in_flight_at_once():
    together = threading.Barrier(10)

    def reply(_: http.Request) -> Answer:
        together.wait(15)  # broken, and the connection with it, unless all ten come
        return ACCEPTED

    with HttpServer(reply) as server:
        results = list(make_backend(server, 10, deadline=20.0).deliver(people(20)))

    assert outcomes(results) == {Outcome.ACCEPTED: 20}


def test_no_more_is_taken_than_can_be_handed_over_and_all_by_the_calling_thread():
    taken, told = [], []

    def feed():
        for message in people(40):
            taken.append(threading.get_ident())
            assert len(taken) - len(told) <= 4
            yield message

    with HttpServer(ACCEPTED) as server:
        for result in make_backend(server).deliver(feed()):
            told.append(result)

    assert set(taken) == {threading.get_ident()}
    assert len(told) == 40


def test_a_result_is_told_while_other_calls_wait():
    with HttpServer(ACCEPTED, Answer(manner=http.HANG)) as server:
        results = make_backend(server, 2, deadline=20.0).deliver(people(3))
        started = time.monotonic()
        first = next(results)
        results.close()

    assert first.outcome == Outcome.ACCEPTED
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("manner", [http.HANG, http.CLOSE, http.RESET, http.DRIP_HEAD])
def test_a_call_without_an_answer_holds_up_no_other(manner):
    answers = [ACCEPTED, Answer(202, manner=manner), ACCEPTED]

    with HttpServer(*answers) as server:
        results = list(make_backend(server, 3, deadline=2.0).deliver(people(30)))

    assert outcomes(results) == {Outcome.ACCEPTED: 29, Outcome.UNKNOWN: 1}


@pytest.mark.parametrize("manner", [http.CHUNKED, http.CLOSE_AFTER, http.CUT_BODY])
def test_a_status_tells_the_outcome_however_the_body_ends(manner):
    close = {"Connection": "close"} if manner == http.CLOSE_AFTER else {}

    with HttpServer(Answer(202, b"0123456789", close, manner)) as server:
        results = list(make_backend(server, 1).deliver(people(1)))

    assert outcomes(results) == {Outcome.ACCEPTED: 1}


def test_a_connection_that_the_server_closed_meanwhile_is_not_used():
    with HttpServer(Answer(202, manner=http.CLOSE_AFTER), ACCEPTED) as server:
        backend = make_backend(server, 1)
        list(backend.deliver(people(1)))
        for _ in range(100):
            if not any(line.is_open() for line in backend.fleet.lines):
                break
            time.sleep(0.01)
        results = list(backend.deliver(people(1)))

    assert outcomes(results) == {Outcome.ACCEPTED: 1}


def test_a_request_that_was_torn_goes_again_on_another_connection():
    """A server that did not get all of it cannot have sent it."""
    with HttpServer(Answer(manner=http.TEAR), ACCEPTED) as server:
        result = make_backend(server, 1).send(make_outgoing(html="x" * 30_000_000))

    assert result.outcome == Outcome.ACCEPTED
    assert server.connections == 2


def test_a_request_that_is_torn_each_time_is_tried_again_later():
    with HttpServer(Answer(manner=http.TEAR)) as server:
        results = list(make_backend(server, 1).deliver([make_outgoing(html="x" * 30_000_000)]))

    assert outcomes(results) == {Outcome.TEMPORARY: 1}
    assert server.connections == 3


def test_throttling_is_a_result_and_the_others_go_on():
    answers = [Answer(429, headers={"Retry-After": "9"}), ACCEPTED]

    with HttpServer(*answers) as server:
        results = list(make_backend(server, 2).deliver(people(6)))

    assert outcomes(results) == {Outcome.THROTTLED: 1, Outcome.ACCEPTED: 5}
    assert {result.retry_after for result in results} == {None, 9}


def test_calls_in_flight_end_before_the_trouble_is_told():
    def reply(request: http.Request) -> Answer:
        if request.json["personalizations"][0]["to"][0]["email"] == "p3@example.com":
            return Answer(401)
        return Answer(202, delay=0.2)

    results = []
    with HttpServer(reply) as server, pytest.raises(ProviderRefused):
        results.extend(make_backend(server, 4).deliver(people(50)))

    assert outcomes(results) == {Outcome.ACCEPTED: len(results)}
    assert len(results) == len(server.requests) - 1
    assert len(results) >= 3
    assert len(server.requests) < 20


def test_nobody_there_is_trouble_of_the_provider():
    with HttpServer() as server:
        pass

    with pytest.raises(ProviderUnavailable):
        list(make_backend(server).deliver(people(10)))


def test_a_server_that_takes_fewer_connections_still_gets_every_message(monkeypatch):
    opened = []
    real = Fleet.__init__

    def limited(fleet, *arguments):
        real(fleet, *arguments)
        connect = fleet._openers._connect

        def once():
            if len(opened) >= 2:
                raise ProviderUnavailable("too many")
            opened.append(1)
            return connect()

        fleet._openers._connect = once

    monkeypatch.setattr(Fleet, "__init__", limited)

    with HttpServer(ACCEPTED) as server:
        results = list(make_backend(server, 10).deliver(people(40)))

    assert outcomes(results) == {Outcome.ACCEPTED: 40}
    assert server.connections == 2


def test_a_batch_that_is_broken_off_leaves_no_answer_for_the_next():
    with HttpServer(ACCEPTED, Answer(202, delay=0.2), ACCEPTED) as server:
        backend = make_backend(server, 2)
        results = backend.deliver(people(6))
        next(results)
        results.close()
        after = list(backend.deliver(people(2)))
        backend.close()

    assert outcomes(after) == {Outcome.ACCEPTED: 2}


def test_closing_with_calls_in_flight_is_prompt():
    with HttpServer(ACCEPTED, Answer(manner=http.HANG)) as server:
        backend = make_backend(server, 3, deadline=20.0)
        results = backend.deliver(people(5))
        next(results)
        started = time.monotonic()
        results.close()
        backend.close()

    assert time.monotonic() - started < 15


def test_encrypted_connections_are_verified_and_kept():
    with HttpServer(ACCEPTED, tls=server_context()) as server:
        backend = make_backend(server, 2)
        results = [*backend.deliver(people(20)), *backend.deliver(people(20))]
        backend.close()

    assert outcomes(results) == {Outcome.ACCEPTED: 40}
    assert server.connections <= 2


@pytest.mark.parametrize(
    "wrong", [{"host": "example.com"}, {"end": START + datetime.timedelta(days=1)}]
)
def test_a_certificate_that_does_not_hold_is_trouble_of_the_provider(wrong):
    unsafe = pytest.raises(ProviderUnavailable, match="No safe connection")

    with HttpServer(ACCEPTED, tls=server_context(**wrong)) as server, unsafe as caught:
        list(make_backend(server).deliver(people(3)))

    assert caught.value.code == "tls"
    assert server.requests == []


def test_an_encrypted_server_that_hangs_in_the_handshake_is_left():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        backend = SendGrid(make_config(service_url=url, app_key="k", deadline=0.5))
        started = time.monotonic()
        with pytest.raises(ProviderUnavailable):
            backend.send(make_outgoing())

    assert time.monotonic() - started < 5


def test_a_plain_call_goes_through_the_proxy_of_the_environment(monkeypatch):
    with HttpServer(ACCEPTED) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//user:secret@"))
        backend = make_backend(proxy, service_url="http://mail.example.com/v3")
        results = list(backend.deliver(people(2)))

    assert outcomes(results) == {Outcome.ACCEPTED: 2}
    assert proxy.requests[0].path == "http://mail.example.com/v3/mail/send"
    assert proxy.requests[0].headers["host"] == "mail.example.com"
    assert proxy.requests[0].headers["proxy-authorization"].startswith("Basic ")


def test_an_encrypted_call_goes_through_a_tunnel(monkeypatch):
    with HttpServer(ACCEPTED, tls=server_context()) as server, TunnelProxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        results = list(make_backend(server, 2).deliver(people(10)))

    assert outcomes(results) == {Outcome.ACCEPTED: 10}
    assert f"CONNECT 127.0.0.1:{server.port} HTTP/1.1\r\n" in proxy.asked[0]
    assert "Proxy-Authorization: Basic " in proxy.asked[0]
    assert "secret" not in server.requests[0].headers.get("proxy-authorization", "")


def test_a_proxy_that_refuses_is_trouble_of_the_provider(monkeypatch):
    with TunnelProxy(b"HTTP/1.1 407 No\r\n\r\n") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        backend = SendGrid(make_config(service_url="https://mail.example.com", app_key="k"))
        with pytest.raises(ProviderUnavailable, match="407"):
            backend.send(make_outgoing())


def test_the_proxy_is_left_out_where_the_environment_says_so(monkeypatch):
    with HttpServer(ACCEPTED) as server:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        results = list(make_backend(server).deliver(people(1)))

    assert outcomes(results) == {Outcome.ACCEPTED: 1}
