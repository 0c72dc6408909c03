"""Replies to calls that may be repeated (Idempotency-Key): one call does its work once.

`begin` claims the call, in a commit of its own, so that whoever repeats it meanwhile is told. The
work and `finish` are one transaction: either both are there or neither is. So what is claimed and
not finished has done nothing, and may be taken over when its process seems dead; should it live
all the same, its `finish` finds the claim of another and raises, which undoes its work.

Work that calls a provider cannot be one transaction. It says by `provide` what is to be answered
if it dies, in the transaction that makes a repetition harmful.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from omnichannel.exceptions import Busy, IllegalTransition, OtherRequest
from omnichannel.models import ApiKey, IdempotentReply
from omnichannel.models.messages import ERASED
from omnichannel.people import Address, Holding

KEPT_FOR = datetime.timedelta(hours=24)
DEAD_AFTER = datetime.timedelta(seconds=60)
TRIES = 5


@dataclass(frozen=True)
class Call:
    api_key: ApiKey
    route: str
    key: str
    body_digest: str


@dataclass(frozen=True)
class Reply:
    status: int
    content: str


def begin(call: Call, at: datetime.datetime) -> uuid.UUID | Reply:
    """The claim to work under, or what was answered before.

    Raises Busy while another works on it, OtherRequest when the key was for another body.
    """
    claim = uuid.uuid4()
    for _ in range(TRIES):
        row = _row(call, claim, at)
        if row is None:  # it was let go just now
            continue
        if row.claim == claim:
            return claim
        if row.created_at <= at - KEPT_FOR:
            if _take(row, call, claim, at, created_at=at):
                return claim
            continue
        if row.body_digest != call.body_digest:
            raise OtherRequest("This Idempotency-Key was used for another request.")
        if reply := _reply(row, at):
            return reply
        if row.claimed_at > at - DEAD_AFTER:
            break
        if _take(row, call, claim, at):
            return claim
    raise Busy("The first request with this Idempotency-Key is still being worked on.")


def provide(claim: uuid.UUID, reply: Reply) -> None:
    """What is answered if the worker dies from now on. Raises IllegalTransition when it lost it."""
    _update(claim, status=reply.status, content=reply.content)


def withdraw(claim: uuid.UUID) -> None:
    """What was provided for did not happen: doing it again does no harm after all."""
    _update(claim, status=None, content="")


def finish(claim: uuid.UUID, reply: Reply, at: datetime.datetime) -> None:
    """Raises IllegalTransition when another took over: what was done must be undone."""
    _update(claim, status=reply.status, content=reply.content, done_at=at)


def let_go(claim: uuid.UUID, at: datetime.datetime) -> None:
    """The call failed: it may be made again, unless something was provided for."""
    mine = IdempotentReply.objects.filter(claim=claim, done_at=None)
    mine.filter(status=None).delete()
    mine.update(done_at=at)


def purge(before: datetime.datetime, chunk: int) -> int:
    old = IdempotentReply.objects.filter(created_at__lt=before).order_by("created_at")
    ids = list(old.values_list("id", flat=True)[:chunk])
    return IdempotentReply.objects.filter(pk__in=ids).delete()[0] if ids else 0


def _row(call: Call, claim: uuid.UUID, at: datetime.datetime) -> IdempotentReply | None:
    """The row of the call; a new one, with our claim, where there was none."""
    row = IdempotentReply(
        api_key=call.api_key,
        route=call.route,
        key=call.key,
        body_digest=call.body_digest,
        claim=claim,
        claimed_at=at,
        created_at=at,
    )
    IdempotentReply.objects.bulk_create([row], ignore_conflicts=True)
    same = {"api_key": call.api_key, "route": call.route, "key": call.key}
    return IdempotentReply.objects.filter(**same).first()


def _reply(row: IdempotentReply, at: datetime.datetime) -> Reply | None:
    is_over = row.done_at or row.claimed_at <= at - DEAD_AFTER
    return Reply(row.status, row.content) if is_over and row.status else None


def _take(
    row: IdempotentReply, call: Call, claim: uuid.UUID, at: datetime.datetime, **more: object
) -> bool:
    """Make the row ours as it was seen: for a new call, or because its worker is dead."""
    seen = IdempotentReply.objects.filter(pk=row.pk, claim=row.claim, done_at=row.done_at)
    taken = seen.filter(status=row.status).update(
        body_digest=call.body_digest,
        claim=claim,
        claimed_at=at,
        done_at=None,
        status=None,
        content="",
        **more,
    )
    return bool(taken)


def _update(claim: uuid.UUID, **values: object) -> None:
    if not IdempotentReply.objects.filter(claim=claim, done_at=None).update(**values):
        raise IllegalTransition("Another request with this Idempotency-Key took over.")


def _naming(address: Address) -> Iterator[IdempotentReply]:
    rows = IdempotentReply.objects.filter(content__icontains=address.text)
    return (row for row in rows.iterator(100) if address.pattern.search(row.content))


def _export(address: Address) -> Iterator[dict[str, Any]]:
    """Not what was answered: that names others, too."""
    for row in _naming(address):
        yield {"route": row.route, "status": row.status, "created_at": row.created_at}


def _erase(address: Address, at: datetime.datetime) -> int:
    """The replies stay, without the address: a repeated call must not send again."""
    done = 0
    for row in list(_naming(address)):
        kept = address.pattern.sub(ERASED, row.content)
        same = IdempotentReply.objects.filter(pk=row.pk, content=row.content)
        done += same.update(content=kept)
    return done


replies_naming = Holding(
    name="kept_replies",
    label="kept reply",
    count=lambda address: sum(1 for _ in _naming(address)),
    export=_export,
    erase=_erase,
)
