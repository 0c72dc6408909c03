from __future__ import annotations

import contextlib
import threading
import time

import pytest
from django.db import OperationalError

from config.celery import SEND_OTP, app
from omnichannel import delivery, urgent
from omnichannel.models import Message
from tests.factories import make_lane, make_message, make_provider

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("free_to_run")]


def send() -> int:
    return delivery.drain(("otp",))


def wait_for(condition) -> bool:
    deadline = time.monotonic() + 10
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def is_sent(message) -> bool:
    # A table of SQLite's in memory cannot be read while the other thread writes to it.
    with contextlib.suppress(OperationalError):
        return Message.objects.filter(pk=message.pk, status__in=("sent", "delivered")).exists()
    return False


def test_a_code_leaves_while_its_process_does_long_work():
    message = make_message(category="otp")

    with urgent.attended(send):
        assert wait_for(lambda: is_sent(message))


def test_nothing_is_sent_when_the_work_is_over():
    calls = []
    with urgent.attended(lambda: calls.append(1)):
        pass
    make_message(category="otp")

    time.sleep(2 * urgent.LOOK_SECONDS)

    assert calls == []


def test_other_messages_are_not_looked_after():
    make_message(category="promotional")
    make_message(category="otp", status="sending")

    assert not urgent.is_waiting()


def test_a_code_behind_many_other_lanes_is_seen():
    provider = make_provider()
    for priority in range(3):
        make_lane(provider, category="otp", priority=priority)
    make_message(provider=provider, category="otp", priority=4)

    assert urgent.is_waiting()


def test_a_database_that_fails_once_is_asked_again():
    calls = []

    def fails_first() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise OperationalError("gone")

    make_message(category="otp")
    with urgent.attended(fails_first):
        assert wait_for(lambda: len(calls) > 1)


@pytest.fixture
def long_task():
    may_end = threading.Event()

    def work() -> bool:
        return may_end.wait(10)

    yield app.task(name="tests.long")(work), may_end
    app.tasks.pop("tests.long", None)


def test_any_task_of_a_celery_worker_looks_after_codes(long_task, monkeypatch):
    task, may_end = long_task
    message = make_message(category="otp")
    task.push_request(called_directly=False)
    app.loader.import_default_modules()

    monkeypatch.setattr(app.tasks[SEND_OTP], "run", lambda: send() and may_end.set())
    try:
        ended_by_the_code = task()
    finally:
        task.pop_request()

    assert ended_by_the_code
    assert is_sent(message)


def test_a_task_that_is_called_in_the_embedded_worker_starts_no_thread(long_task, monkeypatch):
    task, may_end = long_task
    may_end.set()
    monkeypatch.setattr(urgent, "attended", lambda send: pytest.fail("was attended"))

    assert task()
