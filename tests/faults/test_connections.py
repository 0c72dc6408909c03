"""Connections that break, hang or lie, over SMTP and HTTP: what came of each message is known."""

from __future__ import annotations

import datetime
import time

import pytest
import time_machine
from django.utils import timezone

from omnichannel import delivery, recovery
from omnichannel.backends.sendgrid import SendGrid
from omnichannel.backends.smtp import Smtp
from omnichannel.choices import Outcome
from omnichannel.exceptions import ProviderTrouble, SendError
from omnichannel.models import ChannelProvider, Message
from tests.factories import make_provider
from tests.factories_outgoing import make_config, make_outgoing
from tests.faults.provider import Rule
from tests.faults.proxy import FIN, RESET, SILENCE, FaultProxy, refusing, unanswering
from tests.faults.rows import make_relay, make_send_grid, queue

COUNT = 6
DEADLINE = 0.5
HOUR = datetime.timedelta(hours=1)
PIPELINING = ("8BITMIME", "PIPELINING")


def statuses() -> list[str]:
    return list(Message.objects.order_by("id").values_list("status", flat=True))


def send_for_hours(hours: int = 2) -> None:
    """Drain now, and again when rests and retry waits are over."""
    start = timezone.now()
    for hour in range(hours + 1):
        with time_machine.travel(start + hour * HOUR):
            recovery.promote(timezone.now())
            delivery.drain()


def outcome_through(port: int, transport: str, deadline: float = DEADLINE) -> str:
    """What one message comes to when it is handed over on this port."""
    if transport == "http":
        config = make_config(
            service_url=f"http://127.0.0.1:{port}", app_key="SG.x", deadline=deadline
        )
        backend = SendGrid(config)
    else:
        options = {"host": "127.0.0.1", "port": port, "security": "none"}
        backend = Smtp(make_config(options=options, deadline=deadline))
    try:
        return next(iter(backend.deliver([make_outgoing()]))).outcome
    except SendError as error:
        return "provider" if isinstance(error, ProviderTrouble) else error.outcome
    finally:
        backend.close()


@pytest.mark.fault(4)
@pytest.mark.parametrize("extensions", [("8BITMIME",), PIPELINING])
@pytest.mark.parametrize(
    ("phase", "do"),
    [
        ("greeting", "(close)"),
        ("ehlo", "(reset)"),
        ("mail", "(close)"),
        ("rcpt", "(reset)"),
        ("data", "421 4.3.2 going down"),
    ],
)
def test_a_connection_lost_before_the_final_dot_is_tried_again(
    db, play, judged, phase, do, extensions
):
    wire = play(Rule(phase, do, nth=(1, 3)), extensions=extensions)
    queue(make_relay(wire), COUNT, timezone.now())

    send_for_hours()

    assert statuses() == ["sent"] * COUNT
    assert judged() == []


@pytest.mark.fault(4)
@pytest.mark.parametrize("do", ["(close 60)", "(reset 200)"])
def test_a_small_body_cut_on_its_way_is_never_sent_blindly_again(db, play, judged, do):
    """Its last byte had left this machine: nobody here can tell that it did not arrive."""
    wire = play(Rule("body", do, nth=(1, 3)), extensions=PIPELINING)
    queue(make_relay(wire), COUNT, timezone.now())

    send_for_hours()

    assert statuses().count("uncertain") == 2
    assert set(statuses()) == {"uncertain", "sent"}
    assert judged() == []


@pytest.mark.fault(4, 21)
@pytest.mark.parametrize("how", [FIN, RESET])
@pytest.mark.parametrize("transport", ["smtp", "http"])
@pytest.mark.parametrize("direction", ["cut_up", "cut_down"])
def test_cut_after_any_byte_only_what_was_not_taken_is_tried_again(wire, transport, direction, how):
    target = wire.smtp if transport == "smtp" else int(wire.url.rpartition(":")[2])
    places = {"cut_up": range(1, 1200, 97), "cut_down": range(1, 200, 17)}[direction]
    for place in places:
        before = len(wire.accepted())

        with FaultProxy(target, how=how, **{direction: place}) as proxy:
            outcome = outcome_through(proxy.port, transport)

        taken = len(wire.accepted()) - before
        assert outcome in ("provider", *Outcome.values)
        if outcome in (Outcome.TEMPORARY, Outcome.REJECTED, "provider"):
            assert not taken, f"taken, but to be sent again: cut at {place}"
        if outcome == Outcome.ACCEPTED:
            assert taken, f"lost: cut at {place}"


@pytest.mark.fault(5, 19)
@pytest.mark.parametrize("transport", ["smtp", "http"])
def test_an_answer_after_the_deadline_leaves_its_message_uncertain(
    db, play, judged, settings, transport
):
    settings.SEND_DEADLINE_SECONDS = DEADLINE
    late = Rule("dot", "(take)(sleep 2)250 ok", to="p2@*")
    late_too = Rule("http", {"take": True, "delay": 2, "status": 202}, to="p2@*")
    wire = play(late, late_too)
    queue((make_relay if transport == "smtp" else make_send_grid)(wire), COUNT, timezone.now())

    send_for_hours()

    assert statuses() == ["sent", "sent", "uncertain", "sent", "sent", "sent"]
    assert sorted(wire.accepted()) == [f"p{n}@example.com" for n in range(COUNT)]
    assert judged() == []


@pytest.mark.fault(21)
@pytest.mark.parametrize("transport", ["smtp", "http"])
@pytest.mark.parametrize("cut", [{"cut_up": 1}, {"cut_down": 1}, {"cut_down": 60}])
def test_a_half_open_connection_holds_a_worker_no_longer_than_the_deadline(wire, transport, cut):
    target = wire.smtp if transport == "smtp" else int(wire.url.rpartition(":")[2])
    started = time.monotonic()

    with FaultProxy(target, how=SILENCE, **cut) as proxy:
        outcome = outcome_through(proxy.port, transport)

    assert time.monotonic() - started < DEADLINE + 4
    if wire.accepted():
        assert outcome in (Outcome.UNKNOWN, Outcome.ACCEPTED)


@pytest.mark.fault(18)
@pytest.mark.parametrize("transport", ["smtp", "http"])
def test_a_provider_that_nobody_can_reach_rests_longer_each_time(db, settings, transport):
    settings.SEND_DEADLINE_SECONDS = 0.2
    rests = []
    with unanswering() as port:
        provider = make_unreachable(transport, port)
        queue(provider, COUNT, timezone.now())
        at = timezone.now()
        for _ in range(4):
            with time_machine.travel(at, tick=False):
                recovery.promote(at)
                delivery.drain()
            provider.refresh_from_db()
            rests.append((provider.resting_until - at).total_seconds())
            at = provider.resting_until

    assert [4 * 2**n <= rest <= 5 * 2**n for n, rest in enumerate(rests)] == [True] * 4
    assert "error" in statuses()  # what was in hand says why it waits
    assert set(statuses()) <= {"error", "new"}
    assert not Message.objects.exclude(attempts=0).exists()


def make_unreachable(transport: str, port: int) -> ChannelProvider:
    if transport == "http":
        url = f"http://127.0.0.1:{port}"
        return make_provider(backend="sendgrid", service_url=url, app_key="SG.secret")
    options = {"host": "127.0.0.1", "port": port, "security": "none"}
    return make_provider(backend="smtp", app_config=options)


@pytest.mark.fault(18)
@pytest.mark.parametrize("transport", ["smtp", "http"])
def test_a_refused_connection_is_known_at_once(transport):
    started = time.monotonic()

    assert outcome_through(refusing(), transport, deadline=20) == "provider"
    assert time.monotonic() - started < 5
