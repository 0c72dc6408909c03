from __future__ import annotations

import datetime

import pytest

from config.first_start import ensure_periodic_tasks
from omnichannel import liveness
from omnichannel.choices import ProcessRole
from tests.factories import NOW, make_message
from tests.omnichannel.test_heartbeat import HOUR, make_heartbeat

pytestmark = pytest.mark.django_db
QUEUES = "default,otp,promotional,transactional"


@pytest.fixture
def with_celery(settings):
    settings.IS_EMBEDDED = False
    ensure_periodic_tasks()


def hints() -> list[str]:
    return liveness.hints(liveness.processes())


def test_an_embedded_worker_is_all_that_one_machine_needs():
    ensure_periodic_tasks()
    assert "nothing is sent" in hints()[0]

    make_heartbeat(role=ProcessRole.EMBEDDED)

    assert hints() == []


def test_without_any_worker_the_operator_is_told_how_to_start_one(with_celery):
    make_heartbeat(queues=QUEUES, ago=HOUR)
    assert hints() == [liveness.NO_WORKER, liveness.NO_SCHEDULER]

    make_heartbeat(role=ProcessRole.SCHEDULER)
    assert hints() == [liveness.NO_WORKER]


def test_a_queue_that_nobody_serves_is_named(with_celery):
    make_heartbeat(role=ProcessRole.SCHEDULER)
    make_heartbeat(queues="default,promotional,transactional")
    make_heartbeat(queues="otp", ago=HOUR)

    assert hints() == [liveness.NO_QUEUE.format("otp")]


def test_a_missing_scheduler_is_told(with_celery):
    make_heartbeat(queues=QUEUES)

    assert hints() == [liveness.NO_SCHEDULER]


def test_warnings_name_no_host_and_tell_what_is_late(with_celery):
    make_heartbeat(role=ProcessRole.SCHEDULER)
    make_heartbeat(queues=QUEUES)
    make_heartbeat(name="secret@db7", ago=HOUR)
    make_message(category="otp", created_at=NOW - datetime.timedelta(seconds=90))
    make_message(category="promotional", created_at=NOW - HOUR)

    assert liveness.warnings(NOW) == [
        "1 worker or scheduler process lost.",
        "The oldest otp message has been due for 90 s.",
    ]
