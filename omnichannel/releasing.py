"""The end of a hold: an operator has said which database this is, and what is to be done with
what waits.

What waits is sent, or it is cancelled and can be queued again message by message. Nothing goes
before the last of it is cancelled.
"""

from __future__ import annotations

import datetime
import logging
import time
import uuid

from django.db import models

from omnichannel import installation, outbox, place, witness
from omnichannel.choices import MessageStatus
from omnichannel.exceptions import IllegalTransition
from omnichannel.lifecycle import stop_requested
from omnichannel.models import BounceMailbox, Installation, Message
from omnichannel.models.installation import ONLY
from omnichannel.witness import Seen

logger = logging.getLogger(__name__)

PAGE = 5_000
NOT_HELD = "Sending is not held: there is nothing to release."
BEING_RELEASED = "It is being released already: what waits is being cancelled."


class Release(models.TextChoices):
    CANCEL = (
        "cancel",
        "This is the only deployment of this database. Cancel what waited when sending was held; "
        "some of it may have gone already.",
    )
    SEND = (
        "send",
        "This is the only deployment of this database, and it was only moved: nothing was sent "
        "since. Send what waits.",
    )
    COPY = (
        "copy",
        "This is a copy: give it a new identity, cancel everything that waits, and read no bounce "
        "mailbox.",
    )


def begin(release: Release, *, by: str, at: datetime.datetime) -> None:
    """Confirm the database as it is now. With SEND it is held no more; else `go_on` ends the hold.

    Raises IllegalTransition when it is not held, or is being released already.
    """
    row = Installation.objects.filter(pk=ONLY, held_since__isnull=False).first()
    if row is None:
        raise IllegalTransition(NOT_HELD)
    here = place.here()
    memory = witness.recall()
    known = {str(row.uuid), *row.former, memory.addresses.get(here.address, str(row.uuid))}
    name = uuid.uuid4() if release == Release.COPY else row.uuid
    seen = memory.installations.get(str(name), Seen(0, 0))
    fields = {
        "uuid": name,
        "former": sorted(known - {str(name)}),
        "place": here.facts,
        # Not behind what any host has seen of it, as far as their clocks are right.
        "counter": max(row.counter, seen.counter, int(at.timestamp())) + 1,
        "confirmed_by": by[:150],
        "confirmed_at": at,
    }
    if release == Release.SEND:
        fields |= {"held_since": None, "held_reason": "", "is_releasing": False}
    else:
        before = at if release == Release.COPY else row.held_since
        fields |= {"is_releasing": True, "doubtful_before": before}
    mine = Installation.objects.filter(pk=ONLY, held_since=row.held_since, is_releasing=False)
    if not mine.update(**fields):
        raise IllegalTransition(BEING_RELEASED)
    if release == Release.COPY:  # else it would take the original's reports out of its mailboxes
        BounceMailbox.objects.filter(is_active=True).update(is_active=False)
    installation.changed()
    logger.warning("Sending is released by %s (%s).", by, release.value)


def refuse_unless_held() -> None:
    """Raises IllegalTransition as `begin` does, and changes nothing."""
    row = Installation.objects.filter(pk=ONLY, held_since__isnull=False).first()
    if row is None:
        raise IllegalTransition(NOT_HELD)
    if row.is_releasing:
        raise IllegalTransition(BEING_RELEASED)


def go_on(at: datetime.datetime, *, until: float) -> int:
    """Cancel what waits, until it is done, which ends the hold, or until `until` (monotonic).

    Answers how many messages were cancelled.
    """
    row = Installation.objects.filter(pk=ONLY, is_releasing=True).first()
    cancelled = 0
    while row is not None and time.monotonic() < until and not stop_requested():
        page = _page(row)
        if not page:
            _end(row)
            break
        cancelled += outbox.cancel(Message.objects.filter(pk__in=page), at=at)
    return cancelled


def _page(row: Installation) -> list[int]:
    """Some of the messages that still wait. Asked as the partial indexes are made."""
    for statuses in ((MessageStatus.NEW,), (MessageStatus.SCHEDULED, MessageStatus.ERROR)):
        waiting = Message.objects.filter(status__in=statuses, created_at__lt=row.doubtful_before)
        if page := list(waiting.order_by().values_list("pk", flat=True)[:PAGE]):
            return page
    return []


def _end(row: Installation) -> None:
    mine = Installation.objects.filter(pk=ONLY, uuid=row.uuid, is_releasing=True)
    if mine.update(held_since=None, held_reason="", is_releasing=False):
        installation.changed()
        logger.warning("All that waited is cancelled: sending goes on.")
