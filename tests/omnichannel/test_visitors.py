from __future__ import annotations

import pytest
from django.test import RequestFactory

from omnichannel.visitors import client_ip


@pytest.mark.parametrize(
    ("proxy", "peer", "told", "ip"),
    [
        ("", "192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("127.0.0.1", "127.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("127.0.0.1", "", "2001:db8::1", "2001:db8::1"),
        ("127.0.0.1", "127.0.0.1", "<script>", None),
        ("127.0.0.1", "127.0.0.1", None, "127.0.0.1"),
        ("", "", "198.51.100.7", None),
    ],
)
def test_visitor_is_the_peer_or_the_last_word_of_the_trusted_proxy(settings, proxy, peer, told, ip):
    settings.TRUSTED_PROXY = proxy
    headers = {} if told is None else {"X-Forwarded-For": told}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer)

    assert client_ip(request) == ip
