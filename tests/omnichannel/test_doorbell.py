from __future__ import annotations

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
def test_many_messages_at_once_ring_once(rung):
    for _ in range(20):
        enqueue()

    assert len(rung) < 10


@pytest.mark.django_db(transaction=True)
def test_a_bell_that_fails_does_not_lose_the_message(monkeypatch):
    def broken(task: str) -> None:
        raise OSError("no pipe")

    monkeypatch.setattr(doorbell, "_bells", [broken])
    monkeypatch.setattr(doorbell, "_rung", {})

    enqueue()

    assert Message.objects.count() == 1
