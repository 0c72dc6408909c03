"""A server that is slow, silent or endless holds a worker no longer than the deadline."""

from __future__ import annotations

import time

import pytest

from omnichannel.exceptions import OutcomeUnknown, ProviderUnavailable, TemporaryError
from tests.factories_outgoing import make_config, make_outgoing
from tests.omnichannel.backends.raising import RaisingSmtp
from tests.servers.smtp import DRIP, FLOOD, HANG, SmtpServer

DEADLINE = 0.5
# A busy machine may take its time, but nobody here waits for a server that ends by itself.
PATIENCE = 10
ERRORS = {
    "greeting": ProviderUnavailable,
    "ehlo": ProviderUnavailable,
    "auth": ProviderUnavailable,
    "mail": TemporaryError,
    "rcpt": TemporaryError,
    "data": TemporaryError,
    "dot": OutcomeUnknown,
}


def make_smtp(server: SmtpServer, deadline: float = DEADLINE) -> RaisingSmtp:
    options = {"host": "127.0.0.1", "port": server.port, "security": "none"}
    return RaisingSmtp(
        make_config(options=options, deadline=deadline, app_user="ann", app_password="secret")
    )


@pytest.mark.parametrize(
    ("manner", "extra"),
    [(HANG, []), (DRIP, []), (FLOOD, []), (DRIP, ["PIPELINING"]), (FLOOD, ["PIPELINING"])],
)
@pytest.mark.parametrize("phase", ERRORS)
@pytest.mark.fault(19, 22)
def test_bad_server_ends_with_the_deadline(phase, manner, extra):
    started = time.monotonic()

    with (
        SmtpServer(extensions=["AUTH PLAIN", *extra], **{phase: manner}) as server,
        pytest.raises(ERRORS[phase]),
    ):
        make_smtp(server).send(make_outgoing())

    assert time.monotonic() - started < DEADLINE + PATIENCE


def test_server_that_stops_reading_the_body_ends_with_the_deadline():
    message = make_outgoing(html="x" * 8_000_000)
    started = time.monotonic()

    with SmtpServer(extensions=["AUTH PLAIN"], body=HANG) as server, pytest.raises(TemporaryError):
        make_smtp(server).send(message)

    assert time.monotonic() - started < DEADLINE + PATIENCE


def test_copies_share_the_deadline_of_the_message():
    started = time.monotonic()
    message = make_outgoing(cc=tuple(f"cc{number}@example.com" for number in range(40)))

    with SmtpServer(
        extensions=["AUTH PLAIN"], rcpt=lambda to: HANG if to.startswith("cc") else None
    ) as server:
        result = make_smtp(server).send(message)

    assert result.code == "250"
    assert "cc39@example.com was not taken" in result.text
    assert time.monotonic() - started < DEADLINE + PATIENCE


def test_closing_does_not_wait_for_a_silent_server():
    with SmtpServer(extensions=["AUTH PLAIN"], quit=HANG) as server:
        backend = make_smtp(server, deadline=30)
        backend.send(make_outgoing())
        started = time.monotonic()
        backend.close()

    assert time.monotonic() - started < PATIENCE
