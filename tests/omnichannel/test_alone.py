from __future__ import annotations

import pytest
from django.db import connection, connections

from omnichannel import receipts, tasks
from omnichannel.alone import LOCK, RECEIPTS, alone
from omnichannel.backends.base import TrackingEvent
from omnichannel.models import ReceivedEvent
from tests.factories import NOW, make_message


@pytest.fixture
def another(transactional_db):
    """A connection as of another process."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time as it is")
    found = connections.create_connection("default")
    yield found
    found.close()


def test_a_burst_of_events_takes_one_process_and_leaves_the_others_free(another):
    message = make_message(status="sent")
    receipts.store(message.provider, [TrackingEvent("delivered", NOW, str(message.key))], at=NOW)
    with another.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK, RECEIPTS])

    beside = tasks.apply_receipts()
    left = ReceivedEvent.objects.count()
    with another.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")
    after = tasks.apply_receipts()

    assert (beside, left, after) == (0, 1, 1)


def test_the_work_is_free_again_after_an_error(another):
    with pytest.raises(ZeroDivisionError), alone(RECEIPTS):
        raise ZeroDivisionError

    with another.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK, RECEIPTS])
        assert cursor.fetchone() == (True,)
