"""Claiming: one statement takes ready rows of a lane, and its commit is the intent to send."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.db import connection, transaction

from omnichannel import installation
from omnichannel.models import Lane, Message

# The lease runs by the database's clock: a worker's wrong clock cannot steal or keep rows.
_SQLITE = """
    UPDATE omnichannel_message
    SET status = 'sending', claimed_by = %s,
        lease_until = strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', %s)
    WHERE id IN (
        SELECT id FROM omnichannel_message
        WHERE status = 'new' AND lane_id = %s AND id > %s ORDER BY id LIMIT %s
    )
    RETURNING id
"""
_POSTGRESQL = """
    UPDATE omnichannel_message
    SET status = 'sending', claimed_by = %s, lease_until = now() + CAST(%s AS interval)
    WHERE id = ANY(ARRAY(
        SELECT id FROM omnichannel_message
        WHERE status = 'new' AND lane_id = %s AND id > %s ORDER BY id LIMIT %s
        FOR UPDATE SKIP LOCKED
    ))
    RETURNING id
"""


def claim(lane: Lane, count: int, worker: str) -> list[int]:
    """Take up to `count` ready messages of a lane for `worker`; answer their ids in order.

    No row is ever taken by two workers. The lane's cursor is only a hint: a claim that comes
    back short is made again from the start, for rows that were put back behind it.
    """
    if installation.is_held():
        return []
    with transaction.atomic():
        ids = _claim(lane, count, worker, lane.cursor)
        cursor = ids[-1] if ids else lane.cursor
        if len(ids) < count and lane.cursor:
            ids += _claim(lane, count - len(ids), worker, 0)
            cursor = 0
        if cursor != lane.cursor:
            Lane.objects.filter(pk=lane.pk).update(cursor=cursor)
    lane.cursor = cursor
    return ids


def _claim(lane: Lane, count: int, worker: str, above: int) -> list[int]:
    statement = _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE
    lease = f"+{settings.SEND_LEASE_SECONDS} seconds"
    with connection.cursor() as cursor:
        cursor.execute(statement, [worker, lease, lane.pk, above, count])
        return sorted(row[0] for row in cursor.fetchall())


def claim_one(message_id: int, worker: str) -> bool:
    """Take exactly this message, if it is ready and sending is not held."""
    if installation.is_held():
        return False
    statement = _ONE[connection.vendor == "postgresql"]
    lease = f"+{settings.SEND_LEASE_SECONDS} seconds"
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(statement, [worker, lease, message_id])
        return cursor.rowcount == 1


_ONE = {
    False: """
        UPDATE omnichannel_message
        SET status = 'sending', claimed_by = %s,
            lease_until = strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', %s)
        WHERE id = %s AND status = 'new'
    """,
    True: """
        UPDATE omnichannel_message
        SET status = 'sending', claimed_by = %s, lease_until = now() + CAST(%s AS interval)
        WHERE id = %s AND status = 'new'
    """,
}


def put_back(ids: Sequence[int], worker: str) -> int:
    """Give up claims on messages that were never handed over."""
    return Message.objects.filter(pk__in=ids, status="sending", claimed_by=worker).update(
        status="new", claimed_by="", lease_until=None
    )
