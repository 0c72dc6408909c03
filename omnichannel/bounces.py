"""Reading the mailboxes to which relays report, and keeping what they tell as received events.

A mail is marked, moved or deleted only after its events are on the disk; whoever dies in between
leaves it to be read again, and an event that is told twice is kept once.
"""

from __future__ import annotations

import dataclasses
import datetime
import logging
import time
from collections import Counter
from collections.abc import Callable

from django.db import DatabaseError
from django.db.models import F

from omnichannel import bounce_matching, receipts
from omnichannel.backends.base import TrackingEvent
from omnichannel.crypto import SecretUnreadable
from omnichannel.exceptions import OmnichannelError
from omnichannel.mailbox import Access, Mail, Mailbox, mailbox_of
from omnichannel.models import BounceMailbox
from omnichannel.returned import Kind, Returned, read

logger = logging.getLogger(__name__)

BATCH = 50  # mails of one connection, which are marked together
MOST = 200  # mails of one mailbox in one run
SECONDS = 25.0  # for one batch, from connect to the last mark
LEASE = datetime.timedelta(minutes=2)  # after which a reader that said nothing is taken for dead
PAUSE = datetime.timedelta(seconds=50)  # between two readings of a mailbox that is read through
LONGEST_PAUSE = datetime.timedelta(hours=1)


class Unusable(OmnichannelError):
    """The mailbox cannot even be tried as it is set."""


@dataclasses.dataclass
class Batch:
    """What one connection came to. `done`: mails that nobody need look at any more."""

    counts: Counter[str] = dataclasses.field(default_factory=Counter)
    events: list[TrackingEvent] = dataclasses.field(default_factory=list)
    done: list[str] = dataclasses.field(default_factory=list)


def read_due(at: datetime.datetime, until: float, stopped: Callable[[], bool]) -> int:
    """Read every mailbox that is due; answer how many mails were looked at.

    Any number of workers may do this at once. `until` is a time.monotonic().
    """
    count = 0
    for mailbox in BounceMailbox.objects.due(at).select_related("provider"):
        if stopped() or time.monotonic() + SECONDS > until:
            break
        if _take(mailbox, at):
            count += _read_out(mailbox, at, until, stopped)
    return count


def access_of(mailbox: BounceMailbox) -> Access:
    """Raises Unusable when its password cannot be read."""
    try:
        password = mailbox.password
    except SecretUnreadable as error:
        raise Unusable("No key opens the stored password: enter it again.") from error
    return Access(
        protocol=mailbox.protocol,
        host=mailbox.host,
        port=mailbox.chosen_port,
        security=mailbox.security,
        user=mailbox.user,
        password=password,
        ca_certificate=mailbox.ca_certificate,
        folder=mailbox.folder or "INBOX",
        after_reading=mailbox.after_reading,
        move_to=mailbox.move_to,
    )


def check(mailbox: BounceMailbox) -> str:
    """Sign in and look, changing nothing; say what was found. Raises OmnichannelError."""
    box = mailbox_of(access_of(mailbox))
    try:
        box.open(SECONDS, 0)
        return box.check()
    finally:
        box.close()


def _take(mailbox: BounceMailbox, at: datetime.datetime) -> bool:
    """Make it this worker's for a while."""
    rows = BounceMailbox.objects.filter(pk=mailbox.pk, is_active=True, due_at=mailbox.due_at)
    mailbox.due_at = at + LEASE
    return rows.update(due_at=mailbox.due_at) == 1


def _read_out(
    mailbox: BounceMailbox, at: datetime.datetime, until: float, stopped: Callable[[], bool]
) -> int:
    count, is_through = 0, False
    try:
        while count < MOST and not is_through:
            looked_at = _read_batch(mailbox, at, stopped)
            count += looked_at
            is_through = looked_at < BATCH
            if stopped() or time.monotonic() + SECONDS > until:
                break
    except OmnichannelError as error:
        _failed(mailbox, at, str(error))
        return count
    _release(
        mailbox,
        due_at=at + PAUSE if is_through else at,
        failures=0,
        last_error="",
        last_read_at=at,
    )
    return count


def _read_batch(mailbox: BounceMailbox, at: datetime.datetime, stopped: Callable[[], bool]) -> int:
    """How many mails were looked at. Raises OmnichannelError; what was stored then stays."""
    box = mailbox_of(access_of(mailbox))
    batch = Batch()
    try:
        box.open(SECONDS, BATCH)
        try:
            for mail in box.mails(mailbox.progress, BATCH):
                _look_at(mailbox, mail, batch, at)
                if stopped():
                    break
        finally:
            if batch.events:
                receipts.store(mailbox.provider, batch.events, at=at)
        return _settle(mailbox, box, batch)
    finally:
        box.close()


def _look_at(mailbox: BounceMailbox, mail: Mail, batch: Batch, at: datetime.datetime) -> None:
    batch.counts["mails"] += 1
    if mail.raw is None:
        batch.counts["too_large"] += 1
        return
    try:
        returned = read(mail.raw)
        events = bounce_matching.events_of(mailbox.provider_id, returned, at)
    except DatabaseError:
        raise
    except Exception:
        # Our own fault: it stays where it is, and those after it are read.
        logger.exception("A mail in the bounce mailbox of %s cannot be read", mailbox.provider)
        batch.counts["unknown"] += 1
        return
    batch.events += events
    batch.counts[_counted_as(returned, events)] += 1
    if events or returned.kind == Kind.REPLY:
        batch.done.append(mail.uid)


def _counted_as(returned: Returned, events: list[TrackingEvent]) -> str:
    if returned.kind == Kind.REPLY:
        return "replies"
    if returned.kind == Kind.UNKNOWN:
        return "unknown"
    if not events:
        return "strangers"
    return "complaints" if returned.kind == Kind.COMPLAINT else "reports"


def _settle(mailbox: BounceMailbox, box: Mailbox, batch: Batch) -> int:
    """Mark what was read, then remember that it was: in this order nothing is passed over."""
    box.settle(batch.done)
    mailbox.progress = box.progress()
    counted = {name: F(name) + number for name, number in batch.counts.items()}
    rows = BounceMailbox.objects.filter(pk=mailbox.pk, due_at=mailbox.due_at)
    if not rows.update(progress=mailbox.progress, **counted):
        raise Unusable("The mailbox was changed while it was read.")
    return batch.counts["mails"]


def _failed(mailbox: BounceMailbox, at: datetime.datetime, text: str) -> None:
    """Each pause is twice as long as the one before."""
    failures = mailbox.failures + 1
    pause = min(PAUSE * 2 ** min(failures - 1, 10), LONGEST_PAUSE)
    if failures == 1:
        logger.warning("The bounce mailbox of %s cannot be read: %s", mailbox.provider, text)
    _release(mailbox, due_at=at + pause, failures=failures, last_error=text[:500])


def _release(mailbox: BounceMailbox, **values: object) -> None:
    """Unless another has it by now, or an operator changed it meanwhile."""
    BounceMailbox.objects.filter(pk=mailbox.pk, due_at=mailbox.due_at).update(**values)
