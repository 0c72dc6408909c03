"""A worker is killed at every point of a message's way; the next one goes on."""

from __future__ import annotations

import collections
import datetime
import shutil

import pytest
import time_machine
from django.utils import timezone

from omnichannel import crash, journal, recovery, tasks
from omnichannel.choices import OnUncertain
from omnichannel.models import Message
from tests.faults.forked import KILLED, Child, crashed
from tests.faults.provider import Rule
from tests.faults.rows import make_relay, make_send_grid, queue

COUNT = 12
# Where, and how many may be uncertain afterwards: over SMTP one body and one envelope behind it.
POINTS = {"claimed:1": 0, "handed:5": 2, "answered:5": 2, "recording:1": 2, "recorded:1": 2}


@pytest.fixture(params=["smtp", "http"])
def provider(request, shared, play):
    wire = play(extensions=("8BITMIME", "PIPELINING"))
    row = make_send_grid(wire) if request.param == "http" else make_relay(wire)
    queue(row, COUNT, timezone.now())
    return row


def statuses() -> dict[str, int]:
    return dict(collections.Counter(Message.objects.values_list("status", flat=True)))


def go_on() -> None:
    """What the ticks of the next worker do."""
    recovery.recover(timezone.now())
    recovery.promote(timezone.now())
    tasks.send_transactional()


def go_on_in_an_hour() -> None:
    with time_machine.travel(timezone.now() + datetime.timedelta(hours=1)):
        go_on()


def test_every_crash_point_is_tried():
    tried = {point.partition(":")[0] for point in POINTS}

    assert tried | {"looking", "expanding"} == set(crash.POINTS)


@pytest.mark.fault(1)
def test_a_worker_killed_before_its_claim_changes_nothing(provider, judged):
    assert crashed(tasks.send_transactional, at="looking") == KILLED
    before = statuses()

    go_on()

    assert before == {"new": COUNT}
    assert statuses() == {"sent": COUNT}
    assert judged() == []


@pytest.mark.fault(2, 6, 7, 8)
@pytest.mark.parametrize("point", POINTS)
def test_on_hold_a_killed_worker_repeats_and_loses_nothing(provider, judged, point):
    assert crashed(tasks.send_transactional, at=point) == KILLED

    go_on()

    found = statuses()
    assert judged() == []
    assert found.pop("uncertain", 0) <= POINTS[point]
    assert set(found) == {"sent"}


@pytest.mark.fault(2, 6)
@pytest.mark.parametrize("point", ["handed:5", "answered:5"])
def test_sending_again_repeats_what_was_in_hand_at_most(provider, wire, judged, point):
    type(provider).objects.update(on_uncertain=OnUncertain.RETRY)
    assert crashed(tasks.send_transactional, at=point) == KILLED

    go_on()
    go_on_in_an_hour()

    assert statuses() == {"sent": COUNT}
    assert judged(duplicates=POINTS[point]) == []
    assert len(set(wire.accepted())) == COUNT


@pytest.mark.fault(2)
@pytest.mark.parametrize(
    ("policy", "left", "repeated"),
    [(OnUncertain.HOLD, "uncertain", 0), (OnUncertain.RETRY, "sent", 5)],
)
def test_without_its_journal_a_dead_workers_claim_ends_with_its_lease(
    shared, wire, judged, settings, policy, left, repeated
):
    provider = make_relay(wire, on_uncertain=policy, bulk_no=10)
    queue(provider, COUNT, timezone.now())
    settings.SEND_LEASE_SECONDS = 0
    assert crashed(tasks.send_transactional, at="answered:5") == KILLED
    shutil.rmtree(journal.folder())

    go_on()
    go_on_in_an_hour()

    found = statuses()
    assert found.pop(left) >= 1
    assert set(found) <= {"sent"}
    assert judged(duplicates=repeated) == []


@pytest.mark.fault(5)
@pytest.mark.parametrize("transport", ["smtp", "http"])
def test_killed_between_the_hand_over_and_the_answer_is_uncertain(shared, play, judged, transport):
    silence = {"smtp": Rule("dot", "(take)(hang)", nth=(5,))}
    silence["http"] = Rule("http", {"take": True, "manner": 1}, nth=(5,))
    wire = play(silence[transport])
    make = make_relay if transport == "smtp" else make_send_grid
    queue(make(wire), COUNT, timezone.now())
    child = Child(tasks.send_transactional)
    wire.wait_for(5)
    child.kill()
    assert child.wait() == KILLED

    go_on()

    assert statuses() == {"sent": COUNT - 1, "uncertain": 1}
    assert judged() == []


@pytest.mark.fault(28)
def test_a_task_delivered_ten_times_at_once_sends_once(provider, wire, judged):
    workers = [Child(tasks.send_transactional) for _ in range(10)]

    assert [worker.wait() for worker in workers] == [0] * 10
    assert sorted(wire.accepted()) == sorted(f"p{n}@example.com" for n in range(COUNT))
    assert judged() == []
