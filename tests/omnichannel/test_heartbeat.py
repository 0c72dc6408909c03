from __future__ import annotations

import datetime
import os
import threading

import pytest
from django.db.models.functions import Now

from omnichannel import heartbeat
from omnichannel.choices import ProcessRole
from omnichannel.heartbeat import Heart, Tally
from omnichannel.models import Heartbeat

pytestmark = pytest.mark.django_db
HOUR = datetime.timedelta(hours=1)


def make_heartbeat(*, ago: datetime.timedelta = datetime.timedelta(), **values) -> Heartbeat:
    values = {"role": ProcessRole.WORKER, "name": "w@here", "host": "here", "pid": 1, **values}
    return Heartbeat.objects.create(started_at=Now() - ago, seen_at=Now() - ago, **values)


def heart(name: str = "w@here", *queues: str) -> Heart:
    return Heart(ProcessRole.WORKER, name, queues)


def test_a_beat_writes_who_lives_by_the_clock_of_the_database():
    heart("otp@here", "otp", "default").beat()

    row = Heartbeat.objects.with_age().get()
    assert (row.name, row.pid, row.queue_names) == ("otp@here", os.getpid(), ["default", "otp"])
    assert abs(row.age.total_seconds()) < 5
    assert not row.is_lost


def test_further_beats_keep_one_row_and_tell_of_the_last_minute():
    living = heart()
    living.beat()
    heartbeat.tasks.add(3)
    heartbeat.messages.add(250)

    living.beat()

    row = Heartbeat.objects.get()
    assert (row.tasks, row.messages) == (3, 250)


def test_a_process_that_ends_as_it_should_leaves_no_row():
    ending = heart()
    ending.beat()

    ending.forget()

    assert not Heartbeat.objects.exists()


def test_a_silent_process_is_lost_and_forgotten_after_a_day():
    make_heartbeat(name="old@there", ago=25 * HOUR)
    make_heartbeat(name="silent@there", ago=HOUR)

    heart().beat()

    found = {row.name: row.is_lost for row in Heartbeat.objects.with_age()}
    assert found == {"silent@there": True, "w@here": False}


def test_a_process_takes_the_place_of_the_lost_one_of_its_name():
    living = heart()
    host = living._identity["host"]
    make_heartbeat(host=host, ago=HOUR)
    make_heartbeat(host=host)

    living.beat()

    assert [row.is_lost for row in Heartbeat.objects.with_age()] == [False, False]


def test_a_row_that_was_removed_meanwhile_is_written_again():
    living = heart()
    living.beat()
    Heartbeat.objects.all().delete()

    living.beat()

    assert Heartbeat.objects.count() == 1


def test_forked_processes_add_to_the_tally_of_their_parent():
    tally = Tally()
    child = os.fork()
    if not child:
        tally.add(40)
        os._exit(0)
    os.waitpid(child, 0)
    tally.add(2)

    assert tally.total() == 42


@pytest.mark.django_db(transaction=True)
def test_the_heart_beats_until_it_is_stopped(monkeypatch):
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)
    beaten = threading.Event()
    living = heart()
    real = living.beat
    monkeypatch.setattr(living, "beat", lambda: (real(), beaten.set()))

    living.start()
    assert beaten.wait(5)
    living.stop(seconds=5)

    assert not Heartbeat.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_told_once_and_ends_nothing(monkeypatch, caplog):
    from django.db import OperationalError

    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.001)
    tries = []
    enough = threading.Event()
    living = heart()

    def fail():
        tries.append(1)
        if len(tries) > 5:
            enough.set()
        raise OperationalError("gone away")

    monkeypatch.setattr(living, "beat", fail)
    living.start()
    assert enough.wait(5)
    living.stop(seconds=5)

    assert caplog.text.count("gone away") == 1
