"""Servers that answer without end, without sense or without proof of who they are."""

from __future__ import annotations

import gzip
import re
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.utils import timezone

from omnichannel import delivery
from omnichannel.backends.sendgrid import SendGrid
from omnichannel.choices import Outcome
from omnichannel.exceptions import OutcomeUnknown, ProviderUnavailable
from omnichannel.models import Message
from tests.factories_outgoing import make_config, make_outgoing
from tests.faults.provider import Rule
from tests.faults.rows import make_relay, queue
from tests.servers import http
from tests.servers.http import Answer, HttpServer
from tests.servers.tls import START, authority_pem, server_context

DEADLINE = 1.0
ROOM = 20 * 1024  # kB
BOMB = gzip.compress(bytes(200_000_000), 1).decode("latin-1")


@contextmanager
def no_more_memory_than(kilobytes: int):
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _peak()
    yield
    assert _peak() - before < kilobytes


def _peak() -> int:
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])


def make_backend(url: str) -> SendGrid:
    return SendGrid(make_config(service_url=url, app_key="SG.x", deadline=DEADLINE))


HEAD_LEFT_OPEN = {"status": 202, "manner": http.FLOOD_HEAD}
HOSTILE = {
    "slow head": ({"status": 202, "manner": http.DRIP_HEAD}, OutcomeUnknown),
    "endless head": (HEAD_LEFT_OPEN, OutcomeUnknown),
    "no answer": ({"manner": http.HANG}, OutcomeUnknown),
    "no HTTP": ({"manner": http.RAW, "body": "\x00\xff banana\r\n\r\n"}, OutcomeUnknown),
    "reset": ({"manner": http.RESET}, OutcomeUnknown),
    "slow body": ({"status": 202, "manner": http.DRIP_BODY}, Outcome.ACCEPTED),
    "endless body": ({"status": 202, "manner": http.FLOOD_BODY}, Outcome.ACCEPTED),
    "packed body": (
        {"status": 202, "headers": {"Content-Encoding": "gzip"}, "body": BOMB},
        Outcome.ACCEPTED,
    ),
    "no length": (
        {"status": 202, "headers": {"Content-Length": "banana"}},
        (Outcome.ACCEPTED, OutcomeUnknown),
    ),
}


@pytest.mark.fault(22)
@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_answer_costs_neither_time_nor_memory(play, what):
    do, expected = HOSTILE[what]
    wire = play(Rule("http", {"take": True, **do}))
    backend = make_backend(wire.url)
    started = time.monotonic()

    with no_more_memory_than(ROOM):
        try:
            outcome = backend.send(make_outgoing()).outcome
        except OutcomeUnknown as error:
            outcome = type(error)

    assert time.monotonic() - started < DEADLINE + 4
    assert outcome in (expected if isinstance(expected, tuple) else (expected,))


@pytest.mark.fault(22)
@pytest.mark.parametrize("phase", ["greeting", "dot"])
def test_an_endless_reply_costs_neither_time_nor_memory(db, play, settings, phase):
    settings.SEND_DEADLINE_SECONDS = DEADLINE
    wire = play(Rule(phase, "(flood)"))
    queue(make_relay(wire), 1, timezone.now())
    started = time.monotonic()

    with no_more_memory_than(ROOM):
        delivery.drain()

    assert time.monotonic() - started < DEADLINE + 4
    assert Message.objects.get().status == {"greeting": "error", "dot": "uncertain"}[phase]


@pytest.fixture
def trusted(monkeypatch, tmp_path):
    """The tests' own authority is one of the system's."""
    path = tmp_path / "authority.pem"
    path.write_text(authority_pem())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))


@pytest.mark.fault(23)
def test_a_server_that_proves_who_it_is_gets_the_message(trusted):
    with HttpServer(Answer(202), tls=server_context()) as server:
        assert make_backend(server.url).send(make_outgoing()).outcome == Outcome.ACCEPTED


@pytest.mark.fault(23)
@pytest.mark.parametrize(
    "wrong", [{"host": "other.example.com"}, {"end": START.replace(year=2021)}]
)
def test_a_server_that_proves_nothing_gets_no_byte_of_the_message(trusted, wrong):
    with HttpServer(Answer(202), tls=server_context(**wrong)) as server:
        with pytest.raises(ProviderUnavailable):
            make_backend(server.url).send(make_outgoing())

        assert server.requests == []


@pytest.mark.fault(23)
def test_a_server_of_an_unknown_authority_gets_no_byte_of_the_message():
    with HttpServer(Answer(202), tls=server_context()) as server:
        with pytest.raises(ProviderUnavailable):
            make_backend(server.url).send(make_outgoing())

        assert server.requests == []


@pytest.mark.fault(23)
def test_stripped_encryption_is_told_to_the_operator_and_loses_nothing(db, wire):
    provider = make_relay(wire, options={"security": "starttls"})
    queue(provider, 3, timezone.now())

    delivery.drain()

    provider.refresh_from_db()
    assert "STARTTLS" in provider.trouble
    assert wire.accepted() == []
    assert not Message.objects.exclude(attempts=0).exists()
