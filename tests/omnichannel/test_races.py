"""Two hands on one row: what the one did must not be undone by the other."""

from __future__ import annotations

import datetime

import pytest

from omnichannel import outbox, recovery
from omnichannel.choices import JobStatus, MessageStatus, OnUncertain
from omnichannel.models import Message
from omnichannel.models.messages import MessageQuerySet
from tests.factories import NOW, make_message, make_provider

MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def meanwhile(monkeypatch):
    """Another process changes the rows just before the next status is written."""
    moves = MessageQuerySet.move

    def change(**values):
        def move(rows, target, **fields):
            Message.objects.update(**values)
            return moves(rows, target, **fields)

        monkeypatch.setattr(MessageQuerySet, "move", move)

    return change


def status_of(message: Message) -> str:
    return Message.objects.get(pk=message.pk).status


@pytest.mark.parametrize("taken", [MessageStatus.CANCELLED, MessageStatus.SENDING])
def test_what_was_cancelled_or_claimed_meanwhile_is_not_made_ready(db, meanwhile, taken):
    message = make_message(status="scheduled", due_at=NOW)
    meanwhile(status=taken)

    assert recovery.promote(NOW) == 0
    assert status_of(message) == taken


def test_what_a_worker_claimed_meanwhile_does_not_expire(db, meanwhile):
    message = make_message(status="new", expires_at=NOW)
    meanwhile(status="sending")

    assert recovery.expire(NOW) == 0
    assert status_of(message) == "sending"
