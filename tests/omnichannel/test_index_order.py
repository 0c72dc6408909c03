"""A queue on PostgreSQL is read in the order of its index, however long it has grown."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from omnichannel import index_order
from omnichannel.models import Message, ReceivedEvent
from tests.factories import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


@pytest.fixture(autouse=True)
def on_postgresql():
    if connection.vendor != "postgresql":
        pytest.skip("DATABASE_URL names no PostgreSQL")


def received_events():
    rows = ReceivedEvent.objects.filter(due_at__lte=NOW, due_at__gte=NOW)
    return rows.order_by("due_at", "id").values_list("id")[:1000]


def due_messages():
    return Message.objects.due(NOW).values_list("pk")[:1000]


@pytest.mark.parametrize("queue", [received_events, due_messages])
def test_a_queue_is_not_sorted_to_take_its_first_rows(queue):
    with index_order.kept():
        plan = queue().explain()

    assert "Sort" not in plan
    assert "Index" in plan


def test_what_follows_may_be_sorted_again():
    with transaction.atomic(), index_order.kept():
        pass

    with connection.cursor() as cursor:
        cursor.execute("SHOW enable_sort")
        assert cursor.fetchone() == ("on",)
