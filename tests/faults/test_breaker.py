"""A provider that refuses everybody for now is left alone, instead of using up every message's
retries.
"""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.utils import timezone

from omnichannel import delivery, recovery
from omnichannel.backends.smtp_statuses import refusal
from omnichannel.exceptions import TemporaryError
from omnichannel.models import Message
from tests.factories import NOW
from tests.faults.provider import Rule
from tests.faults.rows import make_relay, make_send_grid, queue

COUNT = 60


@pytest.fixture
def at_now():
    with time_machine.travel(NOW, tick=True) as traveller:
        yield traveller


@pytest.mark.fault(20)
@pytest.mark.parametrize(
    "answer",
    [
        "451 4.7.1 too many messages, slow down",
        "421 4.7.28 our system has detected an unusual rate of mail",
        "421 4.7.0 [TSS04] messages temporarily deferred",
        "450 4.7.1 Error: too many connections",
    ],
)
def test_throttling_answers_of_a_relay_slow_the_whole_provider_down(db, at_now, play, answer):
    wire = play(Rule("rcpt", answer))
    provider = make_relay(wire)
    queue(provider, COUNT, NOW)

    delivery.drain()

    provider.refresh_from_db()
    assert provider.resting_until is not None
    assert provider.resting_until > NOW
    assert len(wire.entries("rcpt")) <= 2


@pytest.mark.parametrize(
    "answer",
    [
        "451 4.7.1 Greylisting in action, please come back later",
        "450 4.2.1 The user you are trying to contact is receiving mail at a rate that",
        "452 4.2.2 The recipient's inbox is out of storage space",
    ],
)
def test_what_concerns_one_mailbox_does_not_slow_a_provider_down(answer):
    code, _, text = answer.partition(" ")

    assert isinstance(refusal(int(code), text, stage="rcpt"), TemporaryError)


@pytest.mark.fault(20)
@pytest.mark.parametrize("make", [make_relay, make_send_grid])
def test_a_provider_that_refuses_everybody_for_now_is_left_alone_after_a_few(
    db, at_now, play, judged, make
):
    down = [Rule("rcpt", "451 4.3.0 local error"), Rule("http", {"status": 503})]
    wire = play(*down)
    provider = make(wire)
    queue(provider, COUNT, NOW)

    delivery.drain()

    provider.refresh_from_db()
    assert provider.resting_until is not None
    assert len(wire.entries()) <= COUNT / 2
    play()
    for minutes in (2, 10):
        at_now.move_to(NOW + datetime.timedelta(minutes=minutes))
        recovery.promote(timezone.now())
        delivery.drain()
    assert set(Message.objects.values_list("status", flat=True)) == {"sent"}


@pytest.mark.fault(20)
def test_some_refusals_among_acceptances_do_not_slow_a_provider_down(db, at_now, play):
    wire = play(Rule("rcpt", "451 4.2.0 greylisted", share=0.5, seed=1))
    provider = make_relay(wire)
    queue(provider, COUNT, NOW)

    delivery.drain()

    provider.refresh_from_db()
    assert provider.resting_until is None
    assert set(Message.objects.values_list("status", flat=True)) == {"sent", "error"}
