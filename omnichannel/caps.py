"""Frequency caps: who has had enough promotional messages for now, and until when.

What counts is what was handed over, read from the messages themselves, so that nothing has to be
kept in step. A claim is committed before it is screened: of two workers with a message to the same
address, the later one sees the other's. No number is ever passed, therefore; a message that only
the unsettled ones of others stand against waits a minute, not a week.
"""

from __future__ import annotations

import datetime
import json
from collections import defaultdict
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import NamedTuple

from django.core.cache import cache
from django.db import connection, transaction

from omnichannel import notices
from omnichannel.choices import Category, MessageStatus
from omnichannel.claimed import Claimed
from omnichannel.models import FrequencyCap

CACHE_KEY = "frequency-caps"
CACHE_SECONDS = 5
# How long a message waits for those in a worker's hand; the one that came first waits less, or two
# could get out of each other's way for ever.
FIRST_WAIT = datetime.timedelta(seconds=30)
NEXT_WAIT = datetime.timedelta(seconds=60)


class Cap(NamedTuple):
    """An active cap, as it is kept for some seconds."""

    number: int
    length: datetime.timedelta
    counts_all: bool
    text: str


class Sent(NamedTuple):
    """A message that an address got; `at` None: a worker has it in hand."""

    message_id: int
    at: datetime.datetime | None
    is_promotional: bool


@dataclass(frozen=True, slots=True)
class Held:
    """A message that a cap holds back, and what becomes of it."""

    message_id: int
    status: str  # scheduled | suppressed
    due_at: datetime.datetime | None
    reason: str


def forget() -> None:
    """The caps were changed: read them afresh. Other processes do within some seconds."""
    cache.delete(CACHE_KEY)


def active(channel_type: str) -> list[Cap]:
    found: dict[str, list[Cap]] | None = cache.get(CACHE_KEY)
    if found is None:
        found = defaultdict(list)
        for row in FrequencyCap.objects.filter(is_active=True):
            found[row.channel_type].append(Cap(row.number, row.length, row.counts_all, str(row)))
        cache.set(CACHE_KEY, dict(found), CACHE_SECONDS)
    return found.get(channel_type, [])


def held_back(messages: Sequence[Claimed], at: datetime.datetime) -> dict[int, Held]:
    """Those of a claim that a cap holds back, by id. The messages are of one channel.

    One query for the whole claim, none where no cap is active.
    """
    capped = [message for message in messages if _may_be_capped(message)]
    caps = active(capped[0].provider.channel_type) if capped else []
    if not caps:
        return {}
    got = _got(capped, caps, at)
    held: dict[int, Held] = {}
    for message in capped:
        before = got[message.to_address.lower()]
        found = _held(message, before, caps, at) if before else None
        if found:
            held[message.pk] = found
        else:
            before.append(Sent(message.pk, None, True))
    return held


def _may_be_capped(message: Claimed) -> bool:
    is_exempt = message.job is not None and message.job.is_cap_exempt
    return message.category == Category.PROMOTIONAL and not is_exempt


def _held(
    message: Claimed, got: Sequence[Sent], caps: Sequence[Cap], at: datetime.datetime
) -> Held | None:
    moments = [(moment, cap) for cap in caps if (moment := opens(cap, message.pk, got, at))]
    if not moments:
        return None
    due_at, cap = max(moments, key=lambda pair: pair[0])
    last = _last_moment(message)
    reason = f"Frequency cap: {cap.text[0].lower()}{cap.text[1:]}."
    if last is None or due_at < last:
        return Held(message.pk, MessageStatus.SCHEDULED, due_at, reason)
    reason += f" It could have gone on {due_at:%Y-%m-%d %H:%M} UTC, after its time."
    return Held(message.pk, MessageStatus.SUPPRESSED, None, reason)


def opens(
    cap: Cap, message_id: int, got: Sequence[Sent], at: datetime.datetime
) -> datetime.datetime | None:
    """When the cap lets a message go to an address that got these; None: now."""
    counted = [sent for sent in got if cap.counts_all or sent.is_promotional]
    settled = sorted(sent.at for sent in counted if sent.at and sent.at > at - cap.length)
    if len(settled) >= cap.number:
        return settled[-cap.number] + cap.length
    in_hand = [sent.message_id for sent in counted if sent.at is None]
    if len(settled) + len(in_hand) < cap.number:
        return None
    return at + (FIRST_WAIT if message_id < min(in_hand) else NEXT_WAIT)


def _last_moment(message: Claimed) -> datetime.datetime | None:
    """From this moment on it is not waited for: it expires, or its campaign's delay is used up."""
    days = message.job.max_delay_days if message.job else None
    ends = [message.expires_at] if message.expires_at else []
    if days is not None:
        ends.append(message.created_at + datetime.timedelta(days=days))
    return min(ends, default=None)


def _got(
    messages: Sequence[Claimed], caps: Sequence[Cap], at: datetime.datetime
) -> defaultdict[str, list[Sent]]:
    """What each address (in lower case) got or is getting, these messages left out."""
    postgresql = connection.vendor == "postgresql"
    addresses = list({way for message in messages for way in _ways(message.to_address)})
    ids = [message.pk for message in messages]
    since = connection.ops.adapt_datetimefield_value(at - max(cap.length for cap in caps))
    given = addresses if postgresql else json.dumps(addresses)
    mine = ids if postgresql else json.dumps(ids)
    values = [given, given, messages[0].provider.channel_type, since, mine]
    got: defaultdict[str, list[Sent]] = defaultdict(list)
    # On SQLite a transaction would wait for whoever writes.
    with transaction.atomic() if postgresql else nullcontext(), connection.cursor() as cursor:
        if postgresql:
            # Compiling the statement takes a thousand times longer than running it.
            cursor.execute("SET LOCAL jit = off")
        cursor.execute(_GOT[postgresql], [*values, max(cap.number for cap in caps)])
        for address, message_id, is_promotional, moment in cursor.fetchall():
            got[address.lower()].append(Sent(message_id, _moment(moment), bool(is_promotional)))
    return got


def _ways(address: str) -> tuple[str, ...]:
    """What a database may make of an address in lower case: SQLite leaves Ä as it is."""
    if address.isascii():
        return (address.lower(),)
    ascii_only = "".join(char.lower() if char.isascii() else char for char in address)
    return address.lower(), ascii_only


def _moment(value: datetime.datetime | str | None) -> datetime.datetime | None:
    if isinstance(value, str):
        value = datetime.datetime.fromisoformat(value)
    if value is not None and value.tzinfo is None:
        value = value.replace(tzinfo=datetime.UTC)
    return value


# Of a test inbox that gets thousands, the latest are enough. A bounce comes after a message was
# sent, a refusal instead of it; EXISTS would let PostgreSQL read all events there are.
_WRITTEN_TO = """
    SELECT address, id, is_promotional, moment FROM (
        SELECT address, id, is_promotional, moment, row_number() OVER (
            PARTITION BY address, is_promotional ORDER BY moment IS NULL DESC, moment DESC
        ) AS place
        FROM (
            SELECT lower(to_address) AS address, id, category = 'promotional' AS is_promotional,
                   CASE WHEN status = 'sending' THEN NULL ELSE last_attempt_at END AS moment
            FROM ({rows}) AS written
            WHERE status IN ('sending', 'sent', 'delivered', 'uncertain', 'failed')
              AND provider_id IN (
                  SELECT id FROM omnichannel_channelprovider WHERE channel_type = %s
              )
              AND (status = 'sending' OR last_attempt_at > %s)
              AND NOT id {mine}
              AND (status <> 'failed' OR 0 < (
                  SELECT count(*) FROM omnichannel_messageevent AS event
                  WHERE event.message_id = written.id AND event.type IN ('sent', 'delivered')
              ))
        ) AS counted
    ) AS latest
    WHERE place <= %s
"""
_COLUMNS = "id, to_address, category, status, last_attempt_at, provider_id"
# Each address by the index of those in lower case and by the index of the others. PostgreSQL knows
# too little about the latter: left to itself it reads the whole table.
_ROWS = {
    False: """
        SELECT {columns} FROM omnichannel_message
        WHERE to_address IN (SELECT value FROM json_each(%s))
        UNION ALL
        SELECT {columns} FROM omnichannel_message
        WHERE lower(to_address) IN (SELECT value FROM json_each(%s))
          AND NOT (to_address = lower(to_address))
    """,
    True: """
        SELECT found.* FROM unnest(CAST(%s AS varchar[])) AS given (address) CROSS JOIN LATERAL (
            SELECT {columns} FROM omnichannel_message WHERE to_address = given.address OFFSET 0
        ) AS found
        UNION ALL
        SELECT found.* FROM unnest(CAST(%s AS varchar[])) AS given (address) CROSS JOIN LATERAL (
            SELECT {columns} FROM omnichannel_message
            WHERE lower(to_address) = given.address AND NOT (to_address = lower(to_address))
            OFFSET 0
        ) AS found
    """,
}
_GOT = {
    False: _WRITTEN_TO.format(
        rows=_ROWS[False].format(columns=_COLUMNS), mine="IN (SELECT value FROM json_each(%s))"
    ),
    True: _WRITTEN_TO.format(
        rows=_ROWS[True].format(columns=_COLUMNS), mine="= ANY(CAST(%s AS bigint[]))"
    ),
}


def settle(held: Sequence[Held], worker: str, at: datetime.datetime) -> None:
    """Write what becomes of them, in one statement, where `worker` still has them."""
    if not held:
        return
    postgresql = connection.vendor == "postgresql"
    rows = [
        [
            row.message_id,
            row.status,
            row.due_at and str(connection.ops.adapt_datetimefield_value(row.due_at)),
            row.reason,
        ]
        for row in held
    ]
    ended = [row for row in held if row.status == MessageStatus.EXPIRED]
    is_wanted = bool(ended) and notices.is_wanted(MessageStatus.EXPIRED)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SETTLE[postgresql], [json.dumps(rows), worker])
        written = {row[0] for row in cursor.fetchall()}
        if is_wanted:
            ids = [row.message_id for row in ended if row.message_id in written]
            notices.keep(MessageStatus.EXPIRED, ids, at=at)


_SETTLED = """
    UPDATE omnichannel_message
    SET status = v.status, due_at = v.due_at, error_message = v.reason,
        claimed_by = '', lease_until = NULL
    FROM ({rows}) AS v
    WHERE omnichannel_message.id = v.id AND omnichannel_message.status = 'sending'
      AND omnichannel_message.claimed_by = %s
    RETURNING omnichannel_message.id
"""
_SETTLE = {
    False: _SETTLED.format(
        rows="SELECT value ->> 0 AS id, value ->> 1 AS status, value ->> 2 AS due_at, "
        "value ->> 3 AS reason FROM json_each(%s)"
    ),
    True: _SETTLED.format(
        rows="SELECT (value ->> 0)::bigint AS id, value ->> 1 AS status, "
        "(value ->> 2)::timestamptz AS due_at, value ->> 3 AS reason "
        "FROM jsonb_array_elements(%s::jsonb)"
    ),
}
