"""I1 to I11: what is promised whatever happens, judged by the ledger and by the rows."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from django.db.models import Count

from campaigns.choices import CampaignStatus
from campaigns.models import Campaign, CampaignRun
from campaigns.progress import figures
from omnichannel import receipts
from omnichannel.backends.base import OutgoingMessage
from omnichannel.choices import ARROWS, EventType, JobStatus, MessageStatus, OnUncertain
from omnichannel.models import Job, Message, MessageEvent, ReceivedEvent, Suppression
from omnichannel.windows import is_open
from tests.model import moves

if TYPE_CHECKING:
    from tests.model.world import World

DAYS = 12  # more than any expiry and all retries take
GRACE = 1.0  # seconds after which a pause, a cancelling or a stop is heeded by every worker
WITH_REASON = {"failed", "expired", "cancelled", "suppressed", "uncertain", "error"}
HANDED_BACK = {"new", "scheduled", *WITH_REASON}


def check_hand_over(world: World, message: OutgoingMessage) -> None:
    """I3, I4, I6, I7 and I9, at the moment at which a message goes on the wire."""
    row = Message.objects.select_related("job", "provider", "lane").get(key=message.key)
    in_hand = (MessageStatus.SENDING, *MessageStatus.taken(), MessageStatus.FAILED)
    assert row.status in in_hand, f"I3: handed over while {row.status}"
    for holder in (row.job_id, "provider"):
        since = world.held_since.get(holder)
        assert since is None or world.seconds - since < GRACE, "I3: held, but handed over"
    _check_moment(world.at, row)
    barred = Suppression.objects.filter(address=row.to_address).exists()
    assert not barred or message.key in world.barred_in_hand, "I4: handed over to a barred address"
    _check_attempt(world, message, row)


def _check_moment(at: datetime.datetime, row: Message) -> None:
    assert is_open(at, row.interval_min, row.interval_max), "I6: outside its own window"
    provider = row.provider
    assert is_open(at, provider.interval_min, provider.interval_max), "I6: provider's window"
    assert row.starts_at is None or row.starts_at <= at, "I6: before its start"
    for end in (row.ends_at, row.expires_at, row.job and row.job.ends_at):
        assert end is None or at < end, "I6: after its end"


def _check_attempt(world: World, message: OutgoingMessage, row: Message) -> None:
    before = world.ledger.attempts(message.key)
    allowed = row.retries_allowed
    assert len(before) <= allowed, "I7: more attempts than allowed"
    for last in before[-1:]:
        assert world.at - last.at >= row.retry_wait, "I7: sooner than Pool Time Retry"
    for first in world.ledger.of[message.key][:1]:
        was, now = first.message, message
        same = (was.to, was.subject, was.text, was.html) == (
            now.to,
            now.subject,
            now.text,
            now.html,
        )
        assert same, "I9: another content under the same key"


def check_rows(world: World) -> None:
    """I1, I2, I5 and I8, between two steps."""
    changes = moves.noted()
    for _, old, new in changes:
        assert new in ARROWS[old], f"I8: from {old} to {new}"
    rows = world.messages()
    assert world.ledger.of.keys() <= {str(row.key) for row in rows}, "I1: a message is gone"
    for row in rows:
        again = sum(move == (row.pk, "uncertain", "new") for move in changes)
        _check_row(world, row, again)
    world.barred_in_hand &= {str(row.key) for row in rows if row.status == "sending"}
    told = MessageEvent.objects.filter(type=EventType.SENT).values_list("message__key")
    for key, count in told.order_by().annotate(count=Count("id")):
        assert count <= world.ledger.accepts(str(key)), "I5: more sent by the log than were taken"
    for run in CampaignRun.objects.select_related("job"):
        _check_counts(run)


def _check_row(world: World, row: Message, again: int) -> None:
    key, ledger = str(row.key), world.ledger
    assert row.error_message or row.status not in WITH_REASON, f"I1: {row.status} for no reason"
    assert row.due_at or row.status not in ("scheduled", "error"), "I1: waits for nothing"
    assert row.lease_until or row.status != "sending", "I1: claimed for ever"
    if row.status in MessageStatus.taken():
        assert ledger.accepts(key) or key in ledger.marked, "I1: sent, but the provider has it not"
    repeats = max(0, ledger.accepts(key) - 1)
    assert repeats <= again + ledger.requeued[key], "I2: taken twice without a reason"
    if world.provider.on_uncertain == OnUncertain.HOLD:
        assert again <= ledger.requeued[key], "I2: what is held was sent again"
    if not again and not ledger.requeued[key]:
        _check_outcome(world, row)


def _check_outcome(world: World, row: Message) -> None:
    """With one life only, the row must say what the provider said last."""
    ledger, key = world.ledger, str(row.key)
    bounced = ledger.has_failed(key)
    known = [e for e in ledger.of[key] if e.accepted and e.answered and not e.forgotten]
    if known and row.status in HANDED_BACK:
        assert (bounced, row.status) == (True, "failed"), "I1: taken, but it does not say so"
    if bounced and not ReceivedEvent.objects.exists():  # none waits for its message any more
        assert row.status not in (*MessageStatus.taken(), "uncertain"), "I10: bounced unheard"


def _check_counts(run: CampaignRun) -> None:
    job, found = run.job, figures(run)
    assert found.written == job.expanded, "I5: the job counts other messages than it has"
    if job.status in JobStatus.active():
        assert found.total + found.left_out == job.expected, "I5: recipients do not add up"
    if job.status == JobStatus.FINISHED:
        assert not found.pending, "I5: finished with messages pending"


def picture() -> tuple[list, list]:
    """All that a report may change."""
    return (
        list(Message.objects.order_by("pk").values()),
        list(MessageEvent.objects.order_by("pk").values()),
    )


def check_repetition(world: World) -> None:
    """I10: all reports again, in the other order, change nothing."""
    before = picture()
    for event in reversed(world.ledger.reports):
        receipts.record(world.provider, [event], at=world.at)
    assert picture() == before, "I10: a repeated report changed something"


def check_end(world: World) -> None:
    """I11: when nothing hinders any more, all comes to an end by itself."""
    world.enable()
    world.resume()
    for _ in range(DAYS):
        world.next_morning()
        world.end_leases()
        world.tick()
        world.send()
        world.wait(seconds=5)
        world.tick()
        if _is_over():
            break
    check_rows(world)
    assert _is_over(), "I11: something never ends"


def _is_over() -> bool:
    pending = Message.objects.filter(status__in=MessageStatus.pending())
    return not (
        pending.exists()
        or Job.objects.filter(status__in=JobStatus.active()).exists()
        or Campaign.objects.filter(status__in=CampaignStatus.under_way()).exists()
    )
