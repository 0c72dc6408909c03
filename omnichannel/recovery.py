"""Rows that wait or were left behind: promoted, expired, recovered from dead workers."""

from __future__ import annotations

import datetime

from django.db.models import Q
from django.db.models.functions import Coalesce, Now

from omnichannel import claims, journal, outbox, recording, verdicts
from omnichannel.backends.base import Result
from omnichannel.choices import JobStatus, MessageStatus, OnUncertain, Outcome
from omnichannel.models import Job, Message
from omnichannel.models.messages import MessageQuerySet

CHUNK = 5_000

GONE = "The worker died while it handed this message over: it may or may not have arrived."
LEASE_OVER = "The worker that had this message did not come back: it may or may not have arrived."


def promote(at: datetime.datetime) -> int:
    """Make ready the messages whose moment has come."""
    return _in_chunks(
        Message.objects.due(at), MessageStatus.NEW, due_at=None, lease_until=None, claimed_by=""
    )


def expire(at: datetime.datetime) -> int:
    """End the messages whose time is over and which nobody has in hand."""
    text = "Its time ended before it went."
    return _in_chunks(
        Message.objects.overdue(at), MessageStatus.EXPIRED, due_at=None, error_message=text
    )


def _in_chunks(rows: MessageQuerySet, target: MessageStatus, **fields: object) -> int:
    moved = 0
    while True:
        ids = list(rows.order_by("pk").values_list("pk", flat=True)[:CHUNK])
        # `rows` again: what was cancelled or claimed since the ids were read is left alone.
        count = rows.filter(pk__in=ids).move(target, **fields) if ids else 0
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
    touched += Message.objects.filter(status=MessageStatus.SENDING, lease_until__lt=Now()).update(
        status=MessageStatus.UNCERTAIN,
        error_message=LEASE_OVER,
        last_attempt_at=at,
        lease_until=None,
        claimed_by="",
    )
    return touched + _retry_uncertain(at) + _finish_cancelling(at)


def _finish_cancelling(at: datetime.datetime) -> int:
    """Cancel what a worker put back just after its job was cancelled."""
    lately = Job.objects.filter(
        status=JobStatus.CANCELLED, finished_at__gte=at - datetime.timedelta(hours=1)
    )
    return sum(outbox.cancel(Message.objects.filter(job=job), at=at) for job in lately)


def _settle(left: journal.Left, at: datetime.datetime) -> int:
    mine = Message.objects.filter(status=MessageStatus.SENDING, claimed_by=left.worker)
    claimed = list(mine.select_related("provider"))
    for message in claimed:
        key = str(message.key)
        if left.is_whole and key not in left.answers:
            continue
        result = left.answers.get(key) or Result(key, Outcome.UNKNOWN, text=GONE)
        if result.outcome == Outcome.AUTH:
            continue
        recording.record(
            [verdicts.judge(message, result, result.outcome, at)],
            worker=left.worker,
            provider_id=message.provider_id,
            status_ids=dict(message.provider.statuses.values_list("code", "id")),
            at=at,
        )
    claims.put_back([message.pk for message in claimed], left.worker)
    return len(claimed)


def _retry_uncertain(at: datetime.datetime) -> int:
    """Where the provider says so, send again what stayed uncertain for its retry wait."""
    allowed = Coalesce("retry_max_attempt", "provider__retry_max_attempt")
    waiting = (
        Message.objects.filter(
            status=MessageStatus.UNCERTAIN, provider__on_uncertain=OnUncertain.RETRY
        )
        .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=at), attempts__lte=allowed)
        .exclude(job__status=JobStatus.CANCELLED)
        .select_related("provider")
        .order_by("last_attempt_at")[:CHUNK]
    )
    due = [row for row in waiting if (row.last_attempt_at or row.created_at) + row.retry_wait <= at]
    moved = Message.objects.filter(
        pk__in=[row.pk for row in due], status=MessageStatus.UNCERTAIN
    ).move(MessageStatus.NEW)
    outbox.run_on({row.job_id for row in due if row.job_id})
    return moved
