"""Deployments: SIGTERM, again and again; and a worker that is given too little memory."""

from __future__ import annotations

import collections
import resource
import signal

import pytest
from django.utils import timezone

from omnichannel import lifecycle, recovery, tasks
from omnichannel.models import Message
from tests.faults.forked import Child
from tests.faults.provider import Rule
from tests.faults.rows import make_relay, make_send_grid, queue

RESTARTS = 20
COUNT = 72


def statuses() -> dict[str, int]:
    return dict(collections.Counter(Message.objects.values_list("status", flat=True)))


def work_until_told() -> None:
    recovery.recover(timezone.now())
    tasks.send_transactional()


@pytest.mark.slow
@pytest.mark.fault(42)
@pytest.mark.parametrize("make", [make_relay, make_send_grid])
def test_twenty_restarts_in_a_row_repeat_nothing_and_leave_nothing_uncertain(
    shared, free_to_run, play, judged, make
):
    slow = [
        Rule("dot", "(sleep 0.005)250 ok"),
        Rule("http", {"take": True, "status": 202, "delay": 0.005}),
    ]
    wire = play(*slow, extensions=("8BITMIME", "PIPELINING"))
    queue(make(wire), COUNT, timezone.now())

    for number in range(1, RESTARTS + 1):
        worker = Child(work_until_told, heeds_stop=True)
        wire.wait_for(number * COUNT // (RESTARTS + 4))
        worker.kill(signal.SIGTERM)
        assert worker.wait() == 0
    before = statuses()
    lifecycle.forget_stop()
    tasks.send_transactional()

    assert set(before) == {"sent", "new"}
    assert statuses() == {"sent": COUNT}
    assert judged() == []


@pytest.mark.fault(41)
def test_a_worker_that_runs_out_of_memory_loses_and_repeats_nothing(shared, wire, judged):
    queue(make_relay(wire), 10, timezone.now())
    Message.objects.filter(to_address="p4@example.com").update(body_text="x" * 30_000_000)

    def with_little_memory():
        room = 60 * 2**20 + _virtual_bytes()
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
        tasks.send_transactional()

    Child(with_little_memory).wait()
    recovery.recover(timezone.now())
    starved = statuses()
    type(Message.objects.first().provider).objects.update(resting_until=None)
    recovery.promote(timezone.now())
    tasks.send_transactional()

    assert starved != {"sent": 10}
    found = statuses()
    assert found.pop("uncertain", 0) + found.pop("error", 0) <= 1
    assert set(found) == {"sent"}
    assert judged(may_wait=True) == []


def _virtual_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
