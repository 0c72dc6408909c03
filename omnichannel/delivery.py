"""THE SEND LOOP: find lanes with work, claim, hand over, record.

One thread per provider with work, so that a slow provider holds up nobody else. Every message
that is claimed ends recorded, put back, or in the journal of a dead worker (see `recovery`).
"""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connections
from django.utils import timezone

from omnichannel import kept, lanes, rates
from omnichannel.batch import Batch, Lot
from omnichannel.choices import Category
from omnichannel.claims import claim, claim_one
from omnichannel.crypto import SecretUnreadable
from omnichannel.exceptions import InvalidMessage
from omnichannel.models import ChannelProvider, Lane, Message
from omnichannel.trouble import rest, stop
from omnichannel.worker import Worker

logger = logging.getLogger(__name__)

MAX_THREADS = 16
LOOK_SECONDS = 0.2  # how often a busy stream looks whether a better lane has something
IDLE_WAIT = 0.05  # seconds, while a rate limit says "later"
EXTRA_TIME = 0.5  # seconds at a time for the others, while one provider overruns the time

Stopped = Callable[[], bool]


def never() -> bool:
    return False


def send_due(categories: Iterable[str], *, until: float, stopped: Stopped = never) -> int:
    """Send all that may go, until nothing is left or `until` (time.monotonic()) has come.

    While a slow provider still holds a message after `until`, the others go on. Answers how many
    messages were handled.
    """
    kept.tidy()
    categories = tuple(categories)
    running: dict[int, Future[int]] = {}
    handled = 0
    last = until + settings.SEND_DEADLINE_SECONDS
    with ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="send") as pool:
        while not stopped() and time.monotonic() < (last if running else until):
            for provider_id in _with_work(categories) - running.keys():
                end = max(until, time.monotonic() + EXTRA_TIME)
                running[provider_id] = pool.submit(
                    _in_thread, provider_id, categories, end, stopped
                )
            if not running:
                break
            wait(running.values(), timeout=0.25, return_when=FIRST_COMPLETED)
            handled += _collect(running)
    return handled + _collect(running)


def _with_work(categories: tuple[str, ...]) -> set[int]:
    return {lane.provider_id for lane in lanes.open_lanes(categories, timezone.now())}


def _collect(running: dict[int, Future[int]]) -> int:
    done = {pk: future for pk, future in running.items() if future.done()}
    for pk in done:
        del running[pk]
    return sum(future.result() for future in done.values())


def _in_thread(
    provider_id: int, categories: tuple[str, ...], until: float, stopped: Stopped
) -> int:
    close_old_connections()
    try:
        return send_provider(provider_id, categories, until=until, stopped=stopped)
    except Exception as error:
        # A thread's end must not take the other providers' threads with it.
        logger.exception("The send loop of provider %s failed", provider_id)
        _rest_after(error, provider_id)
        return 0
    finally:
        connections.close_all()


def _rest_after(error: Exception, provider_id: int) -> None:
    """A fault that comes again must not be met at once: each time takes a message with it."""
    close_old_connections()
    text = f"Unexpected error ({type(error).__name__}): the log has the details."
    try:
        rest(ChannelProvider.objects.only("name").get(pk=provider_id), text, timezone.now())
    except DatabaseError:
        logger.exception("Provider %s cannot rest", provider_id)
        time.sleep(1)


def drain(categories: Iterable[str] = tuple(Category), *, seconds: float = 60) -> int:
    """Send all that may go now, in this thread, provider after provider."""
    categories = tuple(categories)
    until = time.monotonic() + seconds
    return sum(send_provider(pk, categories, until=until) for pk in sorted(_with_work(categories)))


def send_provider(
    provider_id: int, categories: tuple[str, ...], *, until: float, stopped: Stopped = never
) -> int:
    """Send what one provider has to send, best lane first, in this thread."""
    handled = 0
    worker: Worker | None = None

    def ends() -> bool:
        return stopped() or time.monotonic() >= until

    with ExitStack() as hired:
        while not ends():
            at = timezone.now()
            open_now = lanes.open_lanes(categories, at, provider_id=provider_id)
            if not open_now:
                break
            worker = worker or _hire(open_now[0].provider, hired)
            if worker is None:
                break
            count = Batch(worker, _lots(worker, open_now, categories, ends), ends).send()
            handled += count
            if not count:
                time.sleep(IDLE_WAIT)
    return handled


def _hire(provider: ChannelProvider, hired: ExitStack) -> Worker | None:
    try:
        return hired.enter_context(Worker(provider))
    except (InvalidMessage, SecretUnreadable) as error:
        stop(provider, str(error), timezone.now())
        return None


def _lots(
    worker: Worker, open_now: list[Lane], categories: tuple[str, ...], stopped: Stopped
) -> Iterator[Lot]:
    """Claims, one per lane of the best priority that has something it may send, round after
    round until nothing may go.
    """
    looked = time.monotonic()
    while not stopped():
        at, best, is_short = timezone.now(), None, False
        for lane in open_now:
            if stopped():
                return
            if best is not None and lane.priority > best:
                break
            count = rates.allowance(lane, lane.provider.bulk_no, at)
            ids = claim(lane, count, worker.name) if count else []
            rates.give_back(lane, count - len(ids))
            if ids:
                best = lane.priority
                is_short |= len(ids) < count
                yield lane, ids
        if best is None:
            return
        # While the lanes give all that is asked for, they are looked at again now and then only.
        if is_short or time.monotonic() - looked > LOOK_SECONDS:
            looked = time.monotonic()
            at = timezone.now()
            open_now = lanes.open_lanes(categories, at, provider_id=worker.provider.pk)


def deliver_now(message: Message, *, at: datetime.datetime) -> Message:
    """Send one message in this call, on the same row and through the same states.

    Its status says what came of it; a message that is not ready (its window is closed, say) is
    left as it is.
    """
    with Worker(message.provider, keeps=False) as worker:
        if claim_one(message.pk, worker.name):
            Batch(worker, [(message.lane, [message.pk])], never).send()
    message.refresh_from_db()
    return message
