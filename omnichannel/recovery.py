"""Rows that wait or were left behind: promoted, expired, recovered from dead workers."""

from __future__ import annotations

import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce, Now

from omnichannel import (
    claims,
    durable,
    index_order,
    installation,
    journal,
    notices,
    outbox,
    recording,
    uncertain,
    verdicts,
)
from omnichannel.backends.base import Result
from omnichannel.choices import EventType, JobStatus, MessageStatus, Outcome
from omnichannel.exceptions import InvalidMessage
from omnichannel.models import ChannelProvider, Job, Message, MessageEvent
from omnichannel.models.messages import MessageQuerySet
from omnichannel.outgoing import backend_of
from omnichannel.status_table import StatusTable

CHUNK = 5_000

GONE = "The worker died while it handed this message over: it may or may not have arrived."
DIED = "died"  # the code of both events below
DEATHS = 3
SUSPECT = "A worker died when this message's turn came."
POISON = f"{SUSPECT} It was the third time: something in it may kill them."
LEASE_OVER = "The worker that had this message did not come back: it may or may not have arrived."


def promote(at: datetime.datetime) -> int:
    """Make ready the messages whose moment has come."""
    return _in_chunks(
        Message.objects.due(at), MessageStatus.NEW, at, due_at=None, lease_until=None, claimed_by=""
    )


def expire(at: datetime.datetime) -> int:
    """End the messages whose time is over and which nobody has in hand."""
    text = "Its time ended before it went."
    return _in_chunks(
        Message.objects.overdue(at), MessageStatus.EXPIRED, at, due_at=None, error_message=text
    )


def _in_chunks(
    rows: MessageQuerySet, target: MessageStatus, at: datetime.datetime, **fields: object
) -> int:
    moved = 0
    while True:
        with index_order.kept():
            ids = list(rows.values_list("pk", flat=True)[:CHUNK])
        # `rows` again: what was cancelled or claimed since the ids were read is left alone.
        count = notices.move(rows.filter(pk__in=ids), target, at=at, **fields) if ids else 0
        moved += count
        if count < CHUNK:
            return moved


def recover(at: datetime.datetime) -> int:
    """Settle what dead workers had claimed; answer how many messages were touched.

    What the journal says was answered is recorded as answered, what was handed over without
    an answer becomes uncertain, and the rest is put back.
    """
    touched = 0
    for left in journal.abandoned():
        touched += _settle(left, at)
    touched += notices.move(
        Message.objects.claimed().filter(lease_until__lt=Now()),
        MessageStatus.UNCERTAIN,
        at=at,
        error_message=LEASE_OVER,
        last_attempt_at=at,
        # Perhaps: a provider that is sent to again must come to an end.
        attempts=F("attempts") + 1,
        retry_attempt=F("attempts"),
        lease_until=None,
        claimed_by="",
    )
    return touched + _retry_uncertain(at) + _finish_cancelling(at)


def _finish_cancelling(at: datetime.datetime) -> int:
    """Cancel what a worker put back just after its job was cancelled."""
    waiting = Message.objects.filter(job=OuterRef("pk"), status__in=MessageStatus.waiting())
    left = Job.objects.filter(Exists(waiting), status=JobStatus.CANCELLED)
    return sum(outbox.cancel(Message.objects.filter(job=job), at=at) for job in left)


def _settle(left: journal.Left, at: datetime.datetime) -> int:
    mine = Message.objects.claimed().filter(claimed_by=left.worker)
    claimed = list(mine.select_related("provider").order_by("pk"))
    untouched = []
    judged: dict[ChannelProvider, list[verdicts.Verdict]] = {}
    tables: dict[ChannelProvider, StatusTable | None] = {}
    for message in claimed:
        key = str(message.key)
        if left.is_whole and key not in left.answers:
            untouched.append(message)
            continue
        result = left.answers.get(key) or Result(key, Outcome.UNKNOWN, text=GONE)
        provider = message.provider
        table = tables[provider] if provider in tables else _table(provider)
        tables[provider] = table
        outcome = table.outcome_of(result) if table else result.outcome
        if outcome != Outcome.AUTH:
            verdict = verdicts.judge(message, result, outcome, at)
            judged.setdefault(message.provider, []).append(verdict)
    for provider, found in judged.items():
        _record(provider, found, left.worker, at)
    if untouched:
        _suspect(untouched[0], left.worker, at)
    claims.put_back([message.pk for message in claimed], left.worker)
    if claimed:
        durable.force()  # before its journal is deleted
    return len(claimed)


def _table(provider: ChannelProvider) -> StatusTable | None:
    """What an operator made of its codes; None when its type does not exist any more."""
    try:
        return StatusTable(provider, backend_of(provider))
    except InvalidMessage:
        return None


def _record(
    provider: ChannelProvider, found: list[verdicts.Verdict], worker: str, at: datetime.datetime
) -> None:
    codes = dict(provider.statuses.values_list("code", "id"))
    recording.record(found, worker=worker, provider_id=provider.pk, status_ids=codes, at=at)


def _suspect(message: Message, worker: str, at: datetime.datetime) -> None:
    """Its turn came when the worker died, perhaps of it: at the third time it is given up."""
    if message.events.filter(code=DIED).count() + 1 < DEATHS:
        MessageEvent.objects.create(
            message=message,
            provider_id=message.provider_id,
            type=EventType.UNKNOWN,
            at=at,
            status=MessageStatus.NEW,
            code=DIED,
            description=SUSPECT,
        )
        return
    given_up = verdicts.Verdict(
        message.pk, MessageStatus.FAILED, EventType.FAILED, DIED, POISON, is_attempt=False
    )
    recording.record(
        [given_up], worker=worker, provider_id=message.provider_id, status_ids={}, at=at
    )


def _retry_uncertain(at: datetime.datetime) -> int:
    """Where the provider says so for its category, send again what waited for its retry wait."""
    if installation.is_held():
        return 0
    allowed = Coalesce("retry_max_attempt", "provider__retry_max_attempt")
    waiting = (
        Message.objects.uncertain()
        .filter(uncertain.sent_again_by_itself())
        .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=at), attempts__lte=allowed)
        .exclude(job__status=JobStatus.CANCELLED)
        .select_related("provider")
        .order_by("last_attempt_at")
    )
    if before := installation.doubtful_before():
        waiting = waiting.filter(created_at__gte=before)
    found = waiting[:CHUNK]
    due = [row for row in found if (row.last_attempt_at or row.created_at) + row.retry_wait <= at]
    again = Message.objects.filter(pk__in=[row.pk for row in due], status=MessageStatus.UNCERTAIN)
    with transaction.atomic():  # a job is never called finished while one of its messages is new
        moved = again.move(MessageStatus.NEW)
        outbox.run_on({row.job_id for row in due if row.job_id})
    return moved
