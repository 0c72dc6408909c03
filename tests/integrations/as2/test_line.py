from __future__ import annotations

import ssl

import pytest

from integrations import as2_line
from integrations.as2_line import Call
from omnichannel.backends.outside_line import NoAnswer
from tests.integrations.as2.stations import certificate, pair, pem_files
from tests.integrations.as2.stations_online import Online

PRIVATE = "10.0.0.7"


def call(url, **fields):
    return Call(url, {"X": "y"}, b"body", **{"seconds": 5.0, **fields})


def resolved(*addresses):
    return lambda host, port, **_: [(2, 1, 6, "", (address, port)) for address in addresses]


@pytest.fixture
def secure(tmp_path):
    """A station with https and a certificate that no authority made."""
    own = type(pair("tls"))(pair("tls").key, certificate("localhost", pair("tls").key))
    key, cert = pem_files(tmp_path, "tls", own)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    online = Online(lambda *_: (200, {}, b"taken"))
    online.server.socket = context.wrap_socket(online.server.socket, server_side=True)
    with online:
        yield online.url.replace("http:", "https:")


def test_a_certificate_that_nobody_vouches_for_is_refused(settings, secure):
    settings.INTEGRATIONS_ALLOW_PRIVATE_HOSTS = True

    with pytest.raises(NoAnswer) as refused:
        as2_line.post(call(secure))

    assert refused.value.code == "tls"


def test_an_operator_may_do_without_the_check_of_the_certificate(settings, secure):
    settings.INTEGRATIONS_ALLOW_PRIVATE_HOSTS = True

    answer = as2_line.post(call(secure, verify_tls=False))

    assert (answer.status, answer.body) == (200, b"taken")


@pytest.mark.parametrize(
    "addresses",
    [(PRIVATE,), ("127.0.0.1",), ("::1",), ("169.254.169.254",), ("8.8.8.8", PRIVATE)],
)
def test_a_name_with_an_address_of_our_own_network_is_not_called(addresses):
    with pytest.raises(NoAnswer) as refused:
        as2_line.post(call("http://as2.example.com/in"), resolve=resolved(*addresses))

    assert refused.value.code == "refused"


def test_no_setting_opens_the_addresses_where_clouds_keep_secrets(settings):
    settings.INTEGRATIONS_ALLOW_PRIVATE_HOSTS = True

    with pytest.raises(NoAnswer) as refused:
        as2_line.post(call("http://as2.example.com/in"), resolve=resolved("169.254.169.254"))

    assert refused.value.code == "refused"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "as2.example.com",
        "ftp://as2.example.com/in",
        "http://user:pw@as2.example.com/in",
        "http://as2.example.com:22/in",
        "http://as2.example.com/a b",
        "http://as2.example.com/" + "x" * 1000,
    ],
)
def test_a_url_that_leads_nowhere_is_refused(url):
    with pytest.raises(NoAnswer) as refused:
        as2_line.post(call(url))

    assert refused.value.code == "refused"


def test_a_header_cannot_add_another():
    bad = Call("http://as2.example.com/in", {"Subject": "x\r\nEvil: 1"}, b"", 5.0)

    with pytest.raises(NoAnswer) as refused:
        as2_line.post(bad, resolve=resolved("8.8.8.8"))

    assert refused.value.code == "refused"


def test_an_answer_without_end_is_cut_off(settings):
    settings.INTEGRATIONS_ALLOW_PRIVATE_HOSTS = True

    with Online(lambda *_: (200, {}, b"x" * 1_500_000)) as partner:
        answer = as2_line.post(call(partner.url))

    assert not answer.is_whole
    assert len(answer.body) <= as2_line.MOST


def test_the_names_of_hosts_are_compared_and_not_the_whole_url():
    assert as2_line.same_host("https://AS2.example.com:4080/mdn", "http://as2.example.com/in")
    assert not as2_line.same_host("https://as2.example.com.evil.test/", "http://as2.example.com/in")
    assert not as2_line.same_host("https://as2.example.com@evil.test/", "http://as2.example.com/in")
