"""The broker is not there: it was only ever a door-bell."""

from __future__ import annotations

import pytest
from celery import Celery
from django.utils import timezone

from config import celery
from omnichannel import doorbell, outbox, tasks
from omnichannel.models import Message
from tests.faults.proxy import refusing, unanswering
from tests.faults.rows import make_relay


@pytest.fixture(params=["redis refuses", "amqp refuses", "amqp drops"])
def no_broker(request, settings, monkeypatch):
    """Celery is configured, and nobody answers where its broker should be."""
    scheme, _, how = request.param.partition(" ")
    settings.IS_EMBEDDED = False
    monkeypatch.setattr(celery, "ringer", celery.Ringer())
    monkeypatch.setattr(doorbell, "_bells", [celery.ring])
    monkeypatch.setattr(doorbell, "_rung", {})
    if how == "refuses":
        monkeypatch.setattr(celery, "app", Celery(broker=f"{scheme}://127.0.0.1:{refusing()}//"))
        yield
        return
    with unanswering() as port:
        monkeypatch.setattr(celery, "app", Celery(broker=f"{scheme}://127.0.0.1:{port}//"))
        yield


@pytest.mark.fault(15)
def test_without_a_broker_messages_are_taken_at_once_and_sent_by_the_sweep(
    shared, no_broker, wire, judged
):
    provider = make_relay(wire)

    for number in range(5):
        message = Message(
            provider=provider, to_address=f"p{number}@example.com", subject="Hi", body_text="Hi"
        )
        outbox.enqueue(message, at=timezone.now())
    before = Message.objects.filter(status="new").count()
    tasks.send_transactional()

    assert before == 5
    assert set(Message.objects.values_list("status", flat=True)) == {"sent"}
    assert judged() == []
