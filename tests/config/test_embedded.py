from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks

from config.celery import app
from config.embedded import EmbeddedScheduler

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Probe:
    """A task that counts its runs and how many of them were at work at once."""

    def __init__(self) -> None:
        self.runs = 0
        self.at_once = 0
        self.most = 0
        self.may_end = threading.Event()
        self.lock = threading.Lock()

    def __call__(self) -> None:
        with self.lock:
            self.runs += 1
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        self.may_end.wait(5)
        with self.lock:
            self.at_once -= 1


@pytest.fixture
def probe():
    probe = Probe()
    app.task(name="tests.probe")(probe.__call__)
    yield probe
    probe.may_end.set()
    app.tasks.pop("tests.probe", None)


@pytest.fixture
def scheduler():
    scheduler = EmbeddedScheduler()
    yield scheduler
    scheduler._pool.shutdown(wait=True)
    scheduler._finalize.cancel()


def make_task(name: str = "Probe", task: str = "tests.probe", every: int = 1) -> PeriodicTask:
    interval, _ = IntervalSchedule.objects.get_or_create(every=every, period="seconds")
    row = PeriodicTask.objects.create(name=name, task=task, interval=interval)
    PeriodicTask.objects.filter(pk=row.pk).update(last_run_at=LONG_AGO)
    return row


def tick(scheduler: EmbeddedScheduler, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        scheduler.tick()
        time.sleep(0.02)


def test_a_due_task_runs_and_its_row_says_when(probe, scheduler):
    row = make_task()
    probe.may_end.set()

    tick(scheduler, 0.3)
    scheduler.wait_until_idle(2)
    scheduler.sync()

    row.refresh_from_db()
    assert probe.runs >= 1
    assert row.last_run_at > LONG_AGO
    assert row.total_run_count == probe.runs


def test_a_task_never_runs_beside_itself(probe, scheduler):
    make_task()

    tick(scheduler, 2.3)

    assert probe.runs == 1
    assert not scheduler.wait_until_idle(0.01)
    probe.may_end.set()


def test_a_failing_task_is_logged_and_stops_nothing(probe, scheduler, caplog):
    def fail() -> None:
        raise ZeroDivisionError

    app.task(name="tests.fails")(fail)
    make_task("Fails", "tests.fails")
    make_task()
    probe.may_end.set()

    tick(scheduler, 0.3)
    scheduler.wait_until_idle(2)
    app.tasks.pop("tests.fails", None)

    assert probe.runs >= 1
    assert "Periodic task Fails failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_an_unknown_task_is_reported_once(scheduler, caplog):
    make_task("Ghost", "tests.no_such_task")

    tick(scheduler, 2.2)

    assert caplog.text.count("names no task") == 1


def test_a_change_in_the_admin_takes_effect_while_running(probe, scheduler):
    row = make_task()
    probe.may_end.set()
    tick(scheduler, 0.3)

    row.refresh_from_db()
    row.enabled = False
    row.save()
    tick(scheduler, 1.3)
    runs = probe.runs
    tick(scheduler, 1.5)

    assert probe.runs == runs
    assert PeriodicTasks.last_change()


def test_a_ring_runs_the_task_before_its_time(probe, scheduler):
    row = make_task(every=3600)
    PeriodicTask.objects.filter(pk=row.pk).update(last_run_at=datetime.now(UTC))
    probe.may_end.set()

    scheduler.ring("tests.probe")
    scheduler.wait_until_idle(2)

    assert probe.runs == 1


def test_a_ring_during_a_run_makes_it_run_once_more(probe, scheduler):
    row = make_task(every=3600)
    PeriodicTask.objects.filter(pk=row.pk).update(last_run_at=datetime.now(UTC))

    scheduler.ring("tests.probe")
    wait_for(lambda: probe.at_once == 1)
    scheduler.ring("tests.probe")
    scheduler.ring("tests.probe")
    probe.may_end.set()
    wait_for(lambda: probe.runs == 2)
    scheduler.wait_until_idle(2)

    assert (probe.runs, probe.most) == (2, 1)


def wait_for(condition) -> None:
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
