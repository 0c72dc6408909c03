"""A message that kills whoever takes it must not hold up all others for ever."""

from __future__ import annotations

import collections
import os
import signal

import pytest
from django.utils import timezone

from omnichannel import batch, recovery, tasks
from omnichannel.models import Message
from tests.faults.forked import KILLED, Child
from tests.faults.rows import make_relay, queue

COUNT = 8


def tick() -> None:
    recovery.recover(timezone.now())
    tasks.send_transactional()


@pytest.mark.fault(3)
def test_the_third_death_at_one_messages_turn_sets_it_aside(shared, wire, judged, monkeypatch):
    """As a body would whose making takes more memory than there is."""
    made = batch.outgoing

    def outgoing(message, config):
        if message.to_address == "p3@example.com":
            os.kill(os.getpid(), signal.SIGKILL)
        return made(message, config)

    monkeypatch.setattr(batch, "outgoing", outgoing)
    queue(make_relay(wire), COUNT, timezone.now())

    codes = [Child(tick).wait() for _ in range(5)]

    assert codes == [KILLED] * 3 + [0] * 2
    found = collections.Counter(Message.objects.values_list("status", flat=True))
    assert found == {"sent": COUNT - 1, "failed": 1}
    assert "worker" in Message.objects.get(status="failed").error_message
    assert judged() == []
