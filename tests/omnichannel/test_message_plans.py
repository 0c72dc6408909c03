"""What the ticks ask of a table of millions goes by a partial index, on either database."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models.functions import Now

from omnichannel import uncertain
from omnichannel.models import Message
from tests.factories import NOW, make_lane

pytestmark = pytest.mark.django_db
QUERIES = {
    "message_due": lambda: Message.objects.due(NOW),
    "message_expiring": lambda: Message.objects.overdue(NOW),
    "message_claimed": lambda: Message.objects.claimed().filter(lease_until__lt=Now()).order_by(),
    "message_ready": lambda: Message.objects.ready().filter(lane=make_lane()).order_by("id"),
    "message_trouble": lambda: uncertain.all_uncertain().order_by(),
}


@pytest.mark.parametrize("index", QUERIES)
def test_question_is_answered_by_its_index(index):
    query = QUERIES[index]()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # an empty table is read as a whole otherwise
            cursor.execute("SET LOCAL enable_seqscan = off")

    assert index in query.explain()
