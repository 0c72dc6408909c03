from __future__ import annotations

import time
from unittest.mock import Mock

import pytest
from django.db import transaction

from omnichannel import doorbell, outbox
from omnichannel.models import Message
from tests.factories import NOW, make_provider


@pytest.fixture
def rung(monkeypatch):
    tasks: list[str] = []
    monkeypatch.setattr(doorbell, "_bells", [tasks.append])
    monkeypatch.setattr(doorbell, "_rung", {})
    return tasks


def enqueue(**values):
    message = Message(
        provider=make_provider(), to_address="ana@example.com", body_text="Hi", **values
    )
    return outbox.enqueue(message, at=NOW)


@pytest.mark.django_db(transaction=True)
def test_a_queued_message_rings_after_its_commit(rung):
    with transaction.atomic():
        enqueue(category="otp")
        before = list(rung)

    assert (before, rung) == ([], ["omnichannel.tasks.send_otp"])


@pytest.mark.django_db(transaction=True)
def test_a_message_that_waits_does_not_ring(rung):
    enqueue(starts_at=NOW.replace(year=2027))

    assert rung == []


@pytest.mark.django_db(transaction=True)
def test_many_messages_at_once_ring_once_and_once_more_later(rung, monkeypatch):
    monkeypatch.setattr(doorbell, "QUIET_SECONDS", 60.0)  # however slow this machine is
    later = Mock()
    monkeypatch.setattr(doorbell, "_late", later)

    for _ in range(20):
        enqueue()

    assert len(rung) == later.ring.call_count == 1


def test_a_ring_soon_after_another_comes_late_and_once(rung, monkeypatch):
    monkeypatch.setattr(doorbell, "QUIET_SECONDS", 0.2)

    for _ in range(50):
        doorbell._ring("task")
    at_once = list(rung)
    time.sleep(2 * doorbell.QUIET_SECONDS)  # two are possible, were there a third

    assert at_once == ["task"]
    assert rung == ["task", "task"]


@pytest.mark.django_db(transaction=True)
def test_a_bell_that_fails_does_not_lose_the_message(monkeypatch):
    def broken(task: str) -> None:
        raise OSError("no pipe")

    monkeypatch.setattr(doorbell, "_bells", [broken])
    monkeypatch.setattr(doorbell, "_rung", {})

    enqueue()

    assert Message.objects.count() == 1
