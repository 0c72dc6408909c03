"""A message sent within the call that asks for it: no queue in between, and an answer in time.

It is claimed in the transaction that writes it, so that no other worker ever sees it waiting, and
handed over in a thread of its own. Whoever asked waits for that thread until the deadline and no
longer; the thread waits for the provider as long as the send loop would, and records what it
said. A message is handed over once: the claim is held until there is an outcome, an uncertain one
is not tried again by itself, and one that was not handed over is cancelled, and its sender told.
"""

from __future__ import annotations

import datetime
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from django.db import close_old_connections, transaction
from django.utils import timezone

from omnichannel import installation, lanes, notices, rates, submissions
from omnichannel.batch import Batch
from omnichannel.choices import Category, MessageStatus
from omnichannel.claims import claim_one
from omnichannel.crypto import SecretUnreadable
from omnichannel.exceptions import CannotSendNow, InvalidMessage
from omnichannel.models import ChannelProvider, Lane, Message
from omnichannel.submissions import Prepared, Queued, Submission
from omnichannel.unkept import Unkept
from omnichannel.windows import next_opening
from omnichannel.worker import Worker

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 32  # messages that one process hands over at a time
USUAL_SECONDS = 3.0
MOST_SECONDS = 30.0
LOOK_SECONDS = 0.02  # between two looks at a rate limit

_free = threading.BoundedSemaphore(MOST_AT_ONCE)
_pool = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="instant")


def send(
    asked: Submission,
    *,
    at: datetime.datetime,
    until: float,
    claimed: Callable[[Queued], None] = lambda queued: None,
) -> Message:
    """Send one message; answer it as it is when that is done or when `until` (monotonic) comes.

    `claimed` is called in the transaction after which the message may be handed over. Raises
    InvalidSubmission, or CannotSendNow when it did not go and will not.
    """
    prepared = submissions.prepare(replace(asked, retry_max_attempt=0), at=at)
    asked = prepared.asked  # now with what the template says
    provider = ChannelProvider.objects.get(pk=prepared.recipients[0].provider.pk)
    lane = lanes.lane_for(provider, asked.category, asked.urgency)
    lane.provider = provider
    _check_open(provider, lane, at)
    _take_turn(lane, at, until)
    if not _free.acquire(blocking=False):
        rates.give_back(lane, 1)
        raise CannotSendNow("Too many messages are being sent at once.", retry_after=1)
    try:
        pk, is_over = _begin(prepared, lane, at, claimed)
    except BaseException:
        _free.release()
        rates.give_back(lane, 1)
        raise
    is_over.wait(max(0.0, until - time.monotonic()))
    return _told(pk, is_over=is_over.is_set())


def _check_open(provider: ChannelProvider, lane: Lane, at: datetime.datetime) -> None:
    if installation.is_held():
        raise CannotSendNow("All sending is held until an operator has released it.")
    if provider.stopped_at is not None:
        raise CannotSendNow(f"The provider “{provider}” is stopped. {provider.trouble}".strip())
    if provider.resting_until is not None and provider.resting_until > at:
        text = f"The provider “{provider}” rests. {provider.trouble}".strip()
        raise CannotSendNow(text, retry_after=(provider.resting_until - at).total_seconds())
    if lane.is_paused:
        raise CannotSendNow(f"Messages of this kind are paused at “{provider}”.")
    if not lanes.in_window(lane, at):
        opening = next_opening(at, provider.interval_min, provider.interval_max)
        text = f"The provider “{provider}” sends again from {opening:%Y-%m-%d %H:%M} UTC."
        raise CannotSendNow(text, retry_after=(opening - at).total_seconds())


def _take_turn(lane: Lane, at: datetime.datetime, until: float) -> None:
    """At the rate limit. Passwords wait for their turn: whoever asked for one is there."""
    began = time.monotonic()
    while not rates.allowance(lane, 1, at + _since(began), is_waited_for=True):
        left = until - time.monotonic()
        if lane.category != Category.OTP or left <= 0:
            text = f"The rate limit of “{lane.provider}” is reached."
            raise CannotSendNow(text, retry_after=1)
        time.sleep(min(LOOK_SECONDS, left))


def _since(began: float) -> datetime.timedelta:
    return datetime.timedelta(seconds=time.monotonic() - began)


def _begin(
    prepared: Prepared, lane: Lane, at: datetime.datetime, claimed: Callable[[Queued], None]
) -> tuple[int, threading.Event]:
    """Write and claim it, and let a thread send it; the event says that there is an outcome."""
    provider = lane.provider
    try:
        worker = Worker(provider)
    except (InvalidMessage, SecretUnreadable) as error:
        raise CannotSendNow(f"The provider “{provider}” cannot be used: {error}") from error
    try:
        queued = _claimed(prepared, worker, at, claimed)
        is_over = threading.Event()
        if queued.status == MessageStatus.NEW:
            _pool.submit(_hand_over, worker, lane, queued.id, is_over, _unkept(prepared, queued))
            return queued.id, is_over
    except BaseException as error:
        # Its journal stays behind: perhaps it was committed all the same.
        worker.__exit__(type(error), error, error.__traceback__)
        raise
    is_over.set()
    with worker:  # the address is barred: it has nothing to do
        pass
    _free.release()
    return queued.id, is_over


def _claimed(
    prepared: Prepared, worker: Worker, at: datetime.datetime, claimed: Callable[[Queued], None]
) -> Queued:
    with transaction.atomic():
        (queued,) = submissions.write(prepared, at=at, rings=False).messages
        if queued.status == MessageStatus.NEW and not claim_one(queued.id, worker.name):
            raise CannotSendNow("All sending is held until an operator has released it.")
        claimed(queued)
    return queued


def _unkept(prepared: Prepared, queued: Queued) -> Unkept:
    """What the row does without, for its one recipient."""
    names, variables = prepared.asked.unkept, prepared.recipients[0].variables
    return Unkept({queued.id: {name: variables[name] for name in names if name in variables}})


def _hand_over(
    worker: Worker, lane: Lane, pk: int, is_over: threading.Event, unkept: Unkept
) -> None:
    try:
        close_old_connections()
        with unkept.masking(), worker:
            batch = Batch(worker, [(lane, [pk])], lambda: False)
            batch.unkept = unkept
            batch.aside.is_possible = False  # there is nothing to do meanwhile
            batch.when_written = is_over.set  # what is left to do keeps nobody waiting
            batch.send()
    except Exception:
        logger.exception("Message %s was not sent at once", pk)  # `recovery` settles it
    finally:
        is_over.set()
        _free.release()
    _cancel_unsent(pk)  # perhaps nobody waits for it any more


def _cancel_unsent(pk: int) -> None:
    """What was given back unsent never goes later; it says why."""
    rows = Message.objects.filter(pk=pk, attempts=0, status__in=MessageStatus.waiting())
    for message in rows.select_related("provider"):
        trouble = message.error_message or message.provider.trouble
        text = f"Nothing was sent. {trouble}".strip()
        at = timezone.now()
        notices.move(rows, MessageStatus.CANCELLED, at=at, due_at=None, error_message=text)


def _told(pk: int, *, is_over: bool) -> Message:
    """What became of it."""
    rows = Message.objects.select_related("provider", "provider_status", "template_version")
    message = rows.get(pk=pk)
    if is_over and message.status in MessageStatus.waiting():
        _cancel_unsent(pk)
        message = rows.get(pk=pk)
    if message.status == MessageStatus.CANCELLED:
        raise CannotSendNow(message.error_message)
    return message
