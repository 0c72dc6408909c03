"""The statements that write what events mean: one for each kind of row, for a whole batch."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models.expressions import RawSQL

from omnichannel.choices import EventType, MessageStatus
from omnichannel.models import Message, MessageEvent

if TYPE_CHECKING:
    from omnichannel.tracking import Meaning

_KEEP = """
    INSERT INTO omnichannel_messageevent
        (message_id, provider_id, type, at, event_id, status, code, description, url, is_machine)
    SELECT v.message_id, r.provider_id, r.type, r.at, r.event_id, v.status, r.code, r.description,
           r.url, r.is_machine
    FROM {rows} JOIN omnichannel_receivedevent AS r ON r.id = v.id
    WHERE true
    ON CONFLICT DO NOTHING
    RETURNING provider_id, event_id
"""
_ROWS = {
    "sqlite": """
        (SELECT value ->> 0 AS id, value ->> 1 AS message_id, value ->> 2 AS status
         FROM json_each(%s)) AS v
    """,
    "postgresql": """
        (SELECT (value ->> 0)::bigint AS id, (value ->> 1)::bigint AS message_id,
                value ->> 2 AS status
         FROM jsonb_array_elements(%s::jsonb)) AS v
    """,
}
_FAIL = """
    UPDATE omnichannel_message SET status = 'failed', error_code = v.status, error_message = v.text
    FROM {rows} WHERE omnichannel_message.id = v.id
"""
_FAILURES = {
    "sqlite": """
        (SELECT value ->> 0 AS id, value ->> 1 AS status, value ->> 2 AS text
         FROM json_each(%s)) AS v
    """,
    "postgresql": """
        (SELECT (value ->> 0)::bigint AS id, value ->> 1 AS status, value ->> 2 AS text
         FROM jsonb_array_elements(%s::jsonb)) AS v
    """,
}
_FORWARD = {
    MessageStatus.SENT: (MessageStatus.UNCERTAIN,),
    MessageStatus.DELIVERED: (MessageStatus.UNCERTAIN, MessageStatus.SENT),
}
_MAY_FAIL = (MessageStatus.UNCERTAIN, MessageStatus.SENT, MessageStatus.DELIVERED)


def among(values: Iterable[int | UUID]) -> RawSQL:
    """For `column__in`: a thousand values as one parameter, which costs a fifth of a thousand."""
    listed = list(values)
    if connection.vendor == "postgresql":
        if listed and isinstance(listed[0], UUID):
            return RawSQL("SELECT unnest(%s::uuid[])", [listed])
        return RawSQL("SELECT unnest(%s::bigint[])", [listed])
    texts = [value.hex if isinstance(value, UUID) else value for value in listed]
    return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(texts)])


class State(NamedTuple):
    status: str
    error_code: str
    error_message: str


def lock(ids: Iterable[int]) -> dict[int, State]:
    """Hold these messages until the transaction ends, and read them; none that is being sent.

    In the order of their ids, so that two workers never wait for one another.
    """
    rows = Message.objects.filter(pk__in=among(set(ids))).exclude(status=MessageStatus.SENDING)
    held = rows.order_by("pk").select_for_update(no_key=connection.vendor == "postgresql")
    found = held.values_list("pk", "status", "error_code", "error_message")
    return {pk: State(status, code, text) for pk, status, code, text in found}


def keep(rows: Iterable[tuple[int, int, str]]) -> set[tuple[int, str]]:
    """Write Message Events of (received event, message, status); answer which are new, each as
    (provider, event id). What was told before is left as it is.
    """
    listed = list(rows)
    if not listed:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_KEEP.format(rows=_ROWS[connection.vendor]), [json.dumps(listed)])
        return set(cursor.fetchall())


def move(new: Sequence[Meaning], now: Mapping[int, State]) -> None:
    """Move messages as far as these events say. `now` holds every one that may move."""
    failing: dict[int, Meaning] = {}
    furthest: dict[int, str] = {}
    for each in new:
        pk = each.message.pk
        if each.status == MessageStatus.FAILED:
            if pk not in failing or _first(each) < _first(failing[pk]):
                failing[pk] = each
        elif each.status and furthest.get(pk) != MessageStatus.DELIVERED:
            furthest[pk] = each.status
    for target, sources in _FORWARD.items():
        ids = [
            pk
            for pk, status in furthest.items()
            if status == target and pk not in failing and now[pk].status in sources
        ]
        if ids:
            Message.objects.filter(pk__in=among(ids), status__in=sources).move(
                target, error_code="", error_message=""
            )
    _fail(failing, now)


def _first(each: Meaning) -> tuple[datetime.datetime, str]:
    return each.told.at, each.told.event_id


def _fail(failing: Mapping[int, Meaning], now: Mapping[int, State]) -> None:
    fresh = {pk: each for pk, each in failing.items() if now[pk].status in _MAY_FAIL}
    known = [pk for pk in failing if now[pk].status == MessageStatus.FAILED]
    present = _present_words(known, now)
    for pk in known:
        told = failing[pk].told
        if pk in present and (told.at, told.event_id) < present[pk]:
            fresh[pk] = failing[pk]
    if not fresh:
        return
    rows = [
        [pk, each.told.code, words(each.told.type, each.told.description)]
        for pk, each in sorted(fresh.items())
    ]
    with connection.cursor() as cursor:
        cursor.execute(_FAIL.format(rows=_FAILURES[connection.vendor]), [json.dumps(rows)])


def _present_words(
    ids: Sequence[int], now: Mapping[int, State]
) -> dict[int, tuple[datetime.datetime, str]]:
    """{failed message: (time, id) of the event whose words it bears}, none for a failed attempt."""
    found: dict[int, tuple[datetime.datetime, str]] = {}
    if not ids:
        return found
    events = MessageEvent.objects.filter(message__in=ids, status=MessageStatus.FAILED)
    rows = events.exclude(event_id="").order_by()
    columns = ("message_id", "at", "event_id", "type", "code", "description")
    for pk, at, event_id, type_, code, description in rows.values_list(*columns):
        if (code, words(type_, description)) == now[pk][1:]:
            found[pk] = min(found.get(pk, (at, event_id)), (at, event_id))
    return found


def words(type_: str, description: str) -> str:
    """Why a message failed: never empty."""
    return description or f"The provider reported: {EventType(type_).label.lower()}."
