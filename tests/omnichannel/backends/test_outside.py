"""Which addresses may be called, and how: no way leads into our own network."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from omnichannel.backends.outside import (
    AddressRefused,
    addresses_of,
    check_url,
    is_own,
    is_public,
)
from omnichannel.backends.outside_line import NoAnswer, OutsideLine, Target
from tests.servers import http
from tests.servers.http import Answer, HttpServer
from tests.servers.tls import START, authority_pem, server_context

PUBLIC = ("93.184.216.34", "8.8.8.8", "100.63.255.255", "2606:2800:220:1:248:1893:25c8:1946")
OWN = ("10.0.0.1", "127.0.0.1", "127.9.9.9", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1")
OWN += ("fd12:3456::1",)
NEVER = (
    *("0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.1.1", "224.0.0.1", "239.1.1.1"),
    *("240.0.0.1", "255.255.255.255", "192.0.0.8", "192.0.2.1", "198.18.0.1", "203.0.113.9"),
    *("::", "fe80::1", "ff02::1", "fec0::1", "2001:db8::1", "100.100.100.200", "fd00:ec2::254"),
    *("64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001:0:4136:e378::1", "::7f00:1"),
    *("192.88.99.1", "3fff::1", "5f00::1", "4000::1"),
)


def resolver(*texts: str, asked: list | None = None):
    """Answers as `socket.getaddrinfo` does."""

    def resolve(host, port, **_):
        if asked is not None:
            asked.append(host)
        return [
            (family(text), socket.SOCK_STREAM, 6, "", (text, port))
            if ":" not in text
            else (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (text, port, 0, 0))
            for text in texts
        ]

    return resolve


def family(text: str) -> int:
    return socket.AF_INET6 if ":" in text else socket.AF_INET


@pytest.fixture(autouse=True)
def own_authority(monkeypatch, tmp_path):
    (tmp_path / "authority.pem").write_text(authority_pem())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))


def post(url: str, *, resolve=None, allow_private: bool = True, seconds: float = 5):
    line = OutsideLine(Target(url, allow_private, resolve))
    try:
        return line.post({"webhook-id": "msg_1"}, b"{}", seconds=seconds)
    finally:
        line.close()


@pytest.mark.parametrize("text", PUBLIC)
def test_machines_of_the_internet_are_public(text):
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", [*OWN, *NEVER])
def test_no_other_address_is_public(text):
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", OWN)
def test_private_addresses_are_called_only_where_the_setting_allows(text):
    peer = check_url("https://crm.example.com/in", allow_private=False)

    assert addresses_of(peer, allow_private=True, resolve=resolver(text))
    with pytest.raises(AddressRefused, match="not on the internet"):
        addresses_of(peer, allow_private=False, resolve=resolver(text))


@pytest.mark.parametrize("text", NEVER)
def test_some_addresses_are_never_called(text):
    peer = check_url("https://crm.example.com/in", allow_private=True)

    assert not is_own(ipaddress.ip_address(text))
    with pytest.raises(AddressRefused):
        addresses_of(peer, allow_private=True, resolve=resolver(text))


@pytest.mark.parametrize("text", ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"])
def test_an_old_address_in_a_new_one_is_judged_as_the_old_one(text):
    peer = check_url("https://crm.example.com/in", allow_private=False)

    with pytest.raises(AddressRefused):
        addresses_of(peer, allow_private=False, resolve=resolver(text))


def test_one_private_address_among_public_ones_is_enough_to_refuse():
    peer = check_url("https://crm.example.com/in", allow_private=False)

    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1"):
        addresses_of(peer, allow_private=False, resolve=resolver("8.8.8.8", "10.0.0.1"))


@pytest.mark.parametrize(
    "url",
    [
        *("http://crm.example.com/in", "ftp://crm.example.com/", "crm.example.com", "https://"),
        *("https://user:word@crm.example.com/", "https://user@crm.example.com/"),
        *("https://crm.example.com:22/", "https://crm.example.com:25/", "https://x:99999/"),
        *("https://crm.example.com/#part", "https://crm.example.com/a b", "https://a\\@b.com/"),
        *("https://crm.example.com/\r\nX: y", "https://127.0.0.1/", "https://[::1]/"),
        *(
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest",
            "https://x/" + "a" * 1000,
        ),
        *("https://[fe80::1%25eth0]/", "https://[::1", "https://crm.example.com:port/"),
    ],
)
def test_impossible_urls_are_refused_before_anything_is_resolved(url):
    with pytest.raises(AddressRefused):
        check_url(url, allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example.com",
        "https://crm.example.com:8443/in?key=1",
        "https://xn--bcher-kva.example/in",
        "https://8.8.8.8/in",
    ],
)
def test_usual_urls_are_taken(url):
    assert check_url(url, allow_private=False).scheme == "https"


def test_name_that_does_not_exist_is_told_without_the_systems_number():
    def resolve(host, port, **_):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(NoAnswer) as error:
        post("https://crm.example.com/", resolve=resolve)

    assert str(error.value) == "No connection: Name or service not known"


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost"])
def test_other_spellings_of_this_machine_are_refused_once_resolved(host):
    with pytest.raises(NoAnswer) as refused:
        post(f"https://{host}:8443/", allow_private=False)

    assert refused.value.code in ("refused", "connect")


def test_no_plain_http_to_the_internet_whatever_the_setting():
    peer = check_url("http://crm.example.com/", allow_private=True)

    with pytest.raises(AddressRefused, match="https"):
        addresses_of(peer, allow_private=True, resolve=resolver("8.8.8.8"))


def test_a_name_is_resolved_once_and_that_very_address_is_called():
    asked: list[str] = []
    context = server_context(host="crm.example.com")
    with HttpServer(Answer(204), tls=context) as server:
        url = f"https://crm.example.com:{server.port}/in?a=1"

        answer = post(url, resolve=resolver("127.0.0.1", asked=asked))

    assert answer.status == 204
    assert asked == ["crm.example.com"]
    assert server.requests[0].headers["host"] == f"crm.example.com:{server.port}"
    assert server.requests[0].path == "/in?a=1"


def test_a_name_that_turns_private_for_the_next_connection_is_refused():
    addresses = iter(["127.0.0.1", "169.254.169.254"])
    with HttpServer(Answer(200, manner=http.CLOSE_AFTER)) as server:
        line = OutsideLine(
            Target(
                f"http://crm.example.com:{server.port}/",
                allow_private=True,
                resolve=lambda *args, **more: resolver(next(addresses))(*args, **more),
            )
        )
        assert line.post({}, b"{}").status == 200

        with pytest.raises(NoAnswer, match="not on the internet"):
            line.post({}, b"{}")

    assert len(server.requests) == 1


def test_a_certificate_for_another_name_is_refused():
    context = server_context(host="other.example.com")
    with HttpServer(Answer(200), tls=context) as server, pytest.raises(NoAnswer) as error:
        post(f"https://crm.example.com:{server.port}/", resolve=resolver("127.0.0.1"))

    assert error.value.code == "tls"
    assert server.requests == []


def test_an_expired_certificate_is_refused():
    context = server_context(end=START.replace(year=2021))
    with HttpServer(Answer(200), tls=context) as server, pytest.raises(NoAnswer) as error:
        post(server.url)

    assert error.value.code == "tls"
    assert server.requests == []


def test_a_redirect_is_an_answer_and_is_not_followed():
    with HttpServer() as inside:
        there = Answer(302, headers={"Location": inside.url})
        with HttpServer(there) as server:
            answer = post(server.url)

    assert answer.status == 302
    assert inside.connections == 0


def test_no_proxy_of_the_environment_is_used(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with HttpServer(Answer(200)) as server:
        answer = post(server.url)

    assert answer.status == 200


@pytest.mark.parametrize("manner", [http.HANG, http.DRIP_HEAD, http.DRIP_BODY, http.STOP_READING])
def test_a_slow_server_costs_no_more_than_the_deadline(manner):
    with HttpServer(Answer(200, manner=manner)) as server, pytest.raises(NoAnswer) as error:
        post(server.url, seconds=0.5)

    assert error.value.code == "timeout"


@pytest.mark.parametrize("manner", [http.FLOOD_HEAD, http.RESET])
def test_what_is_no_answer_is_none(manner):
    with HttpServer(Answer(200, manner=manner)) as server, pytest.raises(NoAnswer):
        post(server.url)


def test_of_an_endless_answer_only_the_beginning_is_read():
    with HttpServer(Answer(200, manner=http.FLOOD_BODY)) as server:
        answer = post(server.url)

    assert answer.status == 200
    assert len(answer.body) <= 65_536
    assert not answer.is_whole


def test_a_connection_is_kept_and_opened_anew_when_the_server_closed_it():
    with HttpServer(Answer(200), Answer(200, manner=http.CLOSE_AFTER), Answer(200)) as server:
        line = OutsideLine(Target(server.url, allow_private=True))

        answers = [line.post({}, b"{}").status for _ in range(4)]
        line.close()

    assert answers == [200] * 4
    assert server.connections == 2
