"""What waits to be applied is taken by its index alone, however much waits."""

from __future__ import annotations

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from omnichannel import receipts

AT = datetime.datetime(2026, 3, 2, 9, 0, tzinfo=datetime.UTC)

pytestmark = pytest.mark.django_db(transaction=True)


def test_due_events_are_taken_in_the_order_of_their_index_without_sorting():
    with CaptureQueriesContext(
        connection,
    ) as captured:
        receipts.apply_due(AT, float("inf"), lambda: False)

    [statement] = [q["sql"] for q in captured if "receivedevent" in q["sql"]]
    plan = _plan(statement)
    assert "received_event_due" in plan
    assert "sort" not in plan.lower()
    assert "temp b-tree" not in plan.lower()


def _plan(statement: str) -> str:
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")
        try:
            cursor.execute(f"{explain} {statement}")
            return "\n".join(str(row[-1]) for row in cursor.fetchall())
        finally:
            if connection.vendor == "postgresql":
                cursor.execute("RESET enable_seqscan")
