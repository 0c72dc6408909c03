from __future__ import annotations

import os
import signal
import time
from types import SimpleNamespace

import pytest

from config import celery
from omnichannel import tasks, turns
from omnichannel.turns import LONG_SECONDS, SHORT_SECONDS, Turns


@pytest.fixture
def unshared(monkeypatch):
    monkeypatch.setattr(turns, "_shared", [])


def taken_in_a_child(found: Turns) -> int:
    """A forked process takes a turn and keeps it; its number."""
    ready, says = os.pipe()
    pid = os.fork()
    if pid == 0:
        with found.one() as seconds:
            os.write(says, b"1" if seconds else b"0")
            time.sleep(60)
            os._exit(0)
    os.close(says)
    assert os.read(ready, 1) == b"1"
    os.close(ready)
    return pid


def end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_one_process_of_a_shared_worker_stays_free():
    found = Turns(3)

    with found.one() as first, found.one() as second, found.one() as third:
        assert (first, second, third) == (LONG_SECONDS, LONG_SECONDS, 0)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_small_shared_worker_takes_short_turns_with_all_its_processes(processes):
    found = Turns(processes)

    with found.one() as first:
        assert first == SHORT_SECONDS
        with found.one() as second:
            assert second == (SHORT_SECONDS if processes == 2 else 0)


def test_a_turn_that_is_over_is_free_again():
    found = Turns(1)

    with found.one():
        pass

    with found.one() as again:
        assert again


def test_the_processes_of_a_pool_share_the_turns():
    found = Turns(1)
    pid = taken_in_a_child(found)

    with found.one() as seconds:
        assert seconds == 0
    end(pid)


def test_the_turn_of_a_killed_process_is_free():
    found = Turns(1)
    end(taken_in_a_child(found))

    with found.one() as seconds:
        assert seconds


def test_a_worker_of_one_queue_takes_no_turns(unshared):
    with turns.turn() as first, turns.turn() as second:
        assert (first, second) == (LONG_SECONDS, LONG_SECONDS)


def worker_of(queues: list[str], processes: int | str) -> SimpleNamespace:
    amqp = SimpleNamespace(queues=SimpleNamespace(consume_from=queues))
    return SimpleNamespace(app=SimpleNamespace(amqp=amqp), concurrency=processes)


@pytest.mark.parametrize(("processes", "count"), [(4, 3), ("auto", None)])
def test_a_worker_of_several_queues_takes_turns(unshared, processes, count):
    celery.share_processes(worker_of(["otp", "promotional"], processes))

    assert turns._shared[0].count == (count or Turns(os.cpu_count()).count)


def test_a_worker_of_the_promotional_queue_shares_with_nobody(unshared):
    celery.share_processes(worker_of(["promotional"], 2))

    assert turns._shared == []


def test_a_promotional_tick_without_a_turn_ends_at_once(unshared, monkeypatch):
    untils = []
    monkeypatch.setattr(
        tasks.delivery, "send_due", lambda categories, until, stopped: untils.append(until) or 0
    )
    turns.share(1)

    with turns.turn():
        tasks.send_promotional()

    assert untils[0] <= time.monotonic()
