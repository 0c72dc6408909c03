from __future__ import annotations

import itertools

import pytest

from omnichannel.choices import ARROWS, MessageStatus, sources_of
from omnichannel.models import Message
from tests.factories import make_message

PAIRS = list(itertools.product(MessageStatus, MessageStatus))


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_status_moves_only_along_its_arrows(db, source, target):
    message = make_message(status=source)

    moved = Message.objects.filter(pk=message.pk).move(target)

    message.refresh_from_db()
    allowed = target in ARROWS[source]
    assert moved == int(allowed)
    assert message.status == (target if allowed else source)


def test_every_status_has_its_arrows():
    assert set(ARROWS) == set(MessageStatus.values)


def test_nothing_leads_back_from_a_receipt_to_the_queue():
    assert "sent" not in sources_of("new")
    assert "delivered" not in sources_of("new")
