"""Connections outlive a run of the send loop, so that a message does not wait for a handshake."""

from __future__ import annotations

import socket
import time

import pytest

from omnichannel import kept
from omnichannel.backends.base import Backend
from omnichannel.delivery import deliver_now, drain
from tests.factories import NOW, make_message, make_provider
from tests.servers.smtp import SmtpServer


@pytest.fixture
def server():
    with SmtpServer() as server:
        yield server


@pytest.fixture
def smtp(db, server):
    options = {"host": "127.0.0.1", "port": server.port, "security": "none"}
    return make_provider(backend="smtp", from_address="a@example.com", app_config=options)


def test_the_next_run_uses_the_same_connection(smtp, server):
    for _ in range(3):
        make_message(provider=smtp)
        drain()

    assert len(server.messages) == 3
    assert len(server.conversations) == 1


def test_a_message_sent_at_once_leaves_no_connection_behind(smtp, server):
    deliver_now(make_message(provider=smtp), at=NOW)

    assert len(server.messages) == 1
    assert kept._shelf == []


def test_a_connection_that_the_server_ended_meanwhile_costs_no_attempt(smtp, server):
    make_message(provider=smtp)
    drain()
    server.sessions[0].sock.shutdown(socket.SHUT_RDWR)

    message = make_message(provider=smtp)
    drain()

    message.refresh_from_db()
    assert (message.status, message.attempts) == ("sent", 1)
    assert len(server.conversations) == 2


def test_changed_settings_are_used_at_once(smtp, server):
    make_message(provider=smtp)
    drain()
    smtp.from_name = "Someone else"
    smtp.save()

    make_message(provider=smtp)
    drain()

    assert len(server.conversations) == 2


def test_what_nobody_asks_for_is_closed(smtp, server, monkeypatch):
    monkeypatch.setattr(kept, "KEPT_SECONDS", 0.0)
    make_message(provider=smtp)
    drain()
    time.sleep(0.01)

    kept.tidy()

    assert kept._shelf == []


def test_a_backend_that_holds_nothing_is_closed_after_its_run(provider, scripted, monkeypatch):
    closed = []
    monkeypatch.setattr(Backend, "close", lambda self: closed.append(self.slug))
    make_message(provider=provider)

    drain()

    assert closed == ["scripted"]
