"""Every e-mail backend hands the headers for unsubscribing on, as they are (RFC 8058)."""

from __future__ import annotations

import contextlib
import re

import pytest

from omnichannel import backends
from omnichannel.choices import ChannelType
from omnichannel.exceptions import ProviderTrouble
from tests.factories_outgoing import make_config, make_outgoing
from tests.servers.http import Answer, HttpServer
from tests.servers.smtp import SmtpServer

URL = "<https://studio.example.com/u/AAAAAAABYxycBJzoD34Y8IDr/>"
HEADERS = {"List-Unsubscribe": URL, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
NOT_AS_THEY_ARE = {
    "falconide",  # says in each result that it left them out: it documents no place for them
    "generic-http",  # writes what its operator describes, which may name them
    "sandbox",  # sends nothing
    "smtp",  # below
}
HTTP = [
    backend
    for backend in backends.registry().values()
    if ChannelType.EMAIL in backend.channel_types and backend.slug not in NOT_AS_THEY_ARE
]


@pytest.mark.parametrize("backend", HTTP, ids=lambda backend: backend.slug)
def test_an_http_provider_is_given_the_headers(backend):
    with HttpServer(Answer(418)) as server:
        config = make_config(service_url=server.url, app_key="key", app_password="secret")
        with contextlib.suppress(ProviderTrouble):
            list(backend(config).deliver([make_outgoing(headers=HEADERS)]))

    sent = " ".join(request.body.decode() for request in server.requests)
    words = re.sub(r"%([0-9A-F]{2})", lambda code: chr(int(code[1], 16)), sent)
    assert "List-Unsubscribe-Post" in words
    assert "List-Unsubscribe=One-Click" in words
    assert URL in words.replace("\\u003c", "<").replace("\\u003e", ">")


def test_a_mail_server_is_given_the_headers_on_one_line_each():
    with SmtpServer() as server:
        options = {"host": "127.0.0.1", "port": server.port, "security": "none"}
        backend = backends.get("smtp")(make_config(options=options))
        list(backend.deliver([make_outgoing(headers=HEADERS)]))
        backend.close()

    [message] = server.messages
    head = message.data.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    assert [f"{name}: {value}" for name, value in HEADERS.items()] == [
        line for line in head if line.startswith("List-")
    ]
