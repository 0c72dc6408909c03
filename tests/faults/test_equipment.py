"""The equipment itself: an oracle that sees nothing, or a fault that is not there, proves none."""

from __future__ import annotations

import contextlib
import datetime
import json
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest
from django.utils import timezone

from omnichannel.models import Job, Lane, Message, MessageEvent, Suppression
from tests.factories import make_message, make_provider
from tests.faults.ledger import ACCEPTED, Ledger
from tests.faults.oracle import complaints
from tests.faults.provider import Rule
from tests.faults.proxy import RESET, SILENCE, FaultProxy
from tests.faults.rules import chosen

PEOPLE = [f"p{number}@example.com" for number in range(1000)]


def test_a_share_is_the_same_for_the_same_seed_and_about_as_large_as_told():
    found = {to for to in PEOPLE if chosen(to, 0.05, seed=3)}

    assert 20 < len(found) < 90
    assert found == {to for to in reversed(PEOPLE) if chosen(to, 0.05, seed=3)}
    assert found != {to for to in PEOPLE if chosen(to, 0.05, seed=4)}


def test_a_rule_applies_to_whom_and_as_often_as_it_says():
    once = Rule("rcpt", "451", to="a*", times=1)
    third = Rule("data", "451", nth=(3,))

    assert [once.applies("rcpt", to) for to in ("a1", "b1", "a1", "a2")] == [
        True,
        False,
        False,
        True,
    ]
    assert [third.applies("data", "x") for _ in range(4)] == [False, False, True, False]


@pytest.fixture
def echo():
    """A server that says ten bytes and then says back what it hears."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def serve():
            while True:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                sock.sendall(b"0123456789")
                threading.Thread(target=talk, args=(sock,), daemon=True).start()

        def talk(sock):
            with sock, contextlib.suppress(ConnectionError):
                while data := sock.recv(100):
                    sock.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        yield port
        listener.shutdown(socket.SHUT_RDWR)


def heard(proxy: FaultProxy) -> bytes:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=0.5) as sock:
        data = b""
        while piece := sock.recv(100):
            data += piece
    return data


def test_a_proxy_cuts_after_the_byte_it_was_told(echo):
    with FaultProxy(echo, cut_down=4) as proxy:
        assert heard(proxy) == b"0123"


def test_a_proxy_resets_and_falls_silent(echo):
    with FaultProxy(echo, cut_down=4, how=RESET) as proxy, pytest.raises(ConnectionResetError):
        heard(proxy)
    with FaultProxy(echo, cut_down=4, how=SILENCE) as proxy, pytest.raises(TimeoutError):
        heard(proxy)


def test_a_proxy_delays_and_drips(echo):
    started = time.monotonic()

    with (
        FaultProxy(echo, delay=0.02, drip=1) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as sock,
    ):
        assert sock.recv(100) == b"0"
        while sock.recv(100) != b"9":
            pass

    assert time.monotonic() - started > 0.15


def test_a_provider_notes_what_it_takes_before_it_answers_and_what_it_does(play):
    sent = {
        "personalizations": [{"to": [{"email": "a@example.com"}]}],
        "content": [{"value": "x"}],
        "custom_args": {"key": "k"},
    }
    wire = play(Rule("http", {"take": True, "status": 503}, nth=(1,)))
    request = urllib.request.Request(f"{wire.url}/v3/mail/send", data=json.dumps(sent).encode())

    with pytest.raises(urllib.error.HTTPError, match="503"):
        urllib.request.urlopen(request)

    assert [(entry.kind, entry.to) for entry in wire.entries()] == [
        ("http", "a@example.com"),
        ("accepted", "a@example.com"),
    ]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "own-ledger"


def taken(path, *messages: Message) -> None:
    ledger = Ledger(str(path))
    for message in messages:
        ledger.add(ACCEPTED, message.to_address, key=str(message.key))
    ledger.close()


def invariants(path, **options) -> set[str]:
    return {text.split()[0] for text in complaints(path, **options)}


def sent(**values) -> Message:
    return make_message(status="sent", **values)


def test_an_oracle_finds_nothing_where_all_is_well(db, path):
    taken(path, sent(), make_message(status="uncertain"))
    make_message(status="failed", error_message="550 no such user")

    assert complaints(path) == []


def test_an_oracle_sees_losses_duplicates_and_strangers(db, path):
    message = sent()
    taken(path, message, message, Message(to_address="x@example.com"))
    sent()

    assert invariants(path) == {"I1", "I2", "I5"}
    assert "I2" not in invariants(path, duplicates=1)


@pytest.mark.parametrize(
    ("values", "invariant"),
    [
        ({"status": "new"}, "I11"),
        ({"status": "failed"}, "I1"),
        ({"status": "failed", "error_message": "no", "attempts": 9}, "I7"),
    ],
)
def test_an_oracle_sees_what_a_row_must_not_be(db, path, values, invariant):
    make_message(**values)

    assert invariants(path) == {invariant}


def test_an_oracle_sees_what_went_to_whom_and_when_it_must_not(db, path):
    late = timezone.now() - datetime.timedelta(hours=1)
    job = Job.objects.create(
        name="x",
        source="campaign",
        channel_type="email",
        provider=make_provider(),
        created_at=late,
        status="cancelled",
        finished_at=late,
    )
    lane = Lane.objects.create(provider=job.provider, category="promotional", job=job)
    barred = sent()
    taken(path, sent(provider=job.provider, lane=lane, job=job), barred)
    Suppression.objects.create(channel_type="email", address=barred.to_address)
    Suppression.objects.update(created_at=late)

    assert invariants(path) == {"I3", "I4"}


def test_an_oracle_sees_events_that_could_not_be(db, path):
    closed = datetime.time(1), datetime.time(2)
    message = sent(interval_min=closed[0], interval_max=closed[1], attempts=2)
    noon = datetime.datetime(2026, 3, 2, 12, 0, tzinfo=datetime.UTC)
    for number, status in enumerate(["delivered", "sent"]):
        MessageEvent.objects.create(
            message=message,
            provider=message.provider,
            type="sent",
            status=status,
            at=noon + datetime.timedelta(seconds=number),
        )
    taken(path, message)

    assert invariants(path) == {"I6", "I7", "I8"}


def test_an_oracle_sees_a_key_that_was_used_for_another(db, path):
    message = sent()
    taken(path, Message(key=message.key, to_address="other@example.com"))

    assert invariants(path) == {"I9"}
