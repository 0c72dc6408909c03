"""Documents go to partners by AS2.

A row is claimed by a lease; the message is built once and kept, so that every attempt is the same
to the byte and the partner can tell a repetition by its Message-ID. Threads call, and only call;
the tick's own thread reads and writes the rows.
"""

from __future__ import annotations

import datetime
import logging
import os
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import F, Q, QuerySet

from integrations import as2_answers, as2_calls, as2_pairs, as2_receipts, audit, blobs, hooks
from integrations.as2_calls import Outcome, Tested
from integrations.audit import Entry
from integrations.choices import (
    DeliveryStatus,
    MdnMode,
    MdnState,
    Operation,
    Protocol,
    TransmissionStatus,
)
from integrations.connections import Actor, name_of
from integrations.envelopes import NotPossible
from integrations.models import As2Connection, EnvelopeDelivery, Transmission
from integrations.protocols.as2.names import bare_id, new_message_id
from omnichannel import doorbell
from omnichannel.backends.outside import Resolver
from omnichannel.exceptions import OmnichannelError
from omnichannel.lifecycle import stop_requested

logger = logging.getLogger(__name__)

THREADS, LINES = 8, 2  # calls at a time; of one partner
SPARE = datetime.timedelta(seconds=60)  # a lease is longer than the call by this
SECONDS, IDLE_SECONDS = 240.0, 1.0  # then no new calls are begun; until due rows are looked for
ON = Q(
    integration__active=True,
    integration__protocol=Protocol.AS2,
    integration__mailbox__is_active=True,
    integration__mailbox__account__is_active=True,
)


@dataclass
class Round:
    """The calls of one tick. A slow partner holds up nobody else."""

    at: datetime.datetime
    seconds: float
    resolve: Resolver | None
    count: int = 0
    began: float = field(default_factory=time.monotonic)
    busy: dict[Future[Outcome], Transmission] = field(default_factory=dict)

    def now(self) -> datetime.datetime:
        return self.at + datetime.timedelta(seconds=time.monotonic() - self.began)

    def run(self) -> int:
        with ThreadPoolExecutor(THREADS, thread_name_prefix="as2") as pool:
            while self._begin(pool) or self.busy:
                done, _ = wait(self.busy, timeout=IDLE_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    self._end(self.busy.pop(future), future)
        return self.count

    def _begin(self, pool: ThreadPoolExecutor) -> bool:
        """Call for what is due; False when nothing was begun."""
        if stop_requested() or time.monotonic() - self.began > self.seconds:
            return False
        has_begun = False
        taken = Counter(row.integration_id for row in self.busy.values())
        for row in _claimed(taken, self.now()):
            has_begun = True
            if self._is_ready(row):
                self.busy[pool.submit(as2_calls.call, row, self.now(), self.resolve)] = row
        return has_begun

    # One that breaks holds up no other: it is tried again when its lease is over.

    def _is_ready(self, row: Transmission) -> bool:
        try:
            return _prepare(row, self.now())
        except Exception:
            logger.exception("Transmission %s could not be prepared.", row.pk)
            return False

    def _end(self, row: Transmission, future: Future[Outcome]) -> None:
        try:
            self.count += _settle(row, future.result(), self.now())
        except Exception:
            logger.exception("Transmission %s could not be settled.", row.pk)


def send_due(
    at: datetime.datetime, *, seconds: float = SECONDS, resolve: Resolver | None = None
) -> int:
    """Send what is due, and the receipts that partners wait for; how many were taken.

    Any number of workers may do this at once.
    """
    _hold()
    return as2_answers.send_due(at, resolve=resolve) + Round(at, seconds, resolve).run()


def send_again(row: Transmission, *, by: Actor, at: datetime.datetime) -> None:
    """Build and send anew what has failed, with what is set now. Raises NotPossible."""
    failed = Transmission.objects.filter(
        pk=row.pk, is_incoming=False, protocol=Protocol.AS2, status=TransmissionStatus.ERROR
    )
    with transaction.atomic():
        changed = failed.update(
            status=TransmissionStatus.QUEUED,
            attempts=0,
            next_attempt_at=at,
            wire=None,
            mdn=None,
            message_id="",
            mdn_state=MdnState.NONE,
            disposition="",
            error_code="",
            error_text="",
            done_at=None,
        )
        if not changed:
            raise NotPossible("Only what failed on its way to an AS2 partner is sent again.")
        _failed_delivery(row).update(status=DeliveryStatus.CONVERTED, error_code="", error_text="")
        entry = Entry(
            Operation.REPROCESSED,
            f"{row.filename} is sent again",
            mailbox=row.integration.mailbox_id,
            transmission=row.pk,
            actor=name_of(by),
        )
        audit.write([entry], at=at)
        doorbell.ring(as2_answers.TASK)


def _failed_delivery(row: Transmission) -> QuerySet[EnvelopeDelivery]:
    """What it carries, where that counts as failed for want of this transmission."""
    return EnvelopeDelivery.objects.filter(transmissions=row, error_code=hooks.NOT_SENT)


def test_connection(as2: As2Connection) -> Tested:
    """Send a small message and tell what came back. Raises OmnichannelError when none can be
    built.
    """
    return as2_calls.try_out(as2)


def _hold() -> None:
    """What is queued for an integration that is off waits for an operator."""
    off = ~ON
    rows = Transmission.objects.filter(
        off,
        is_incoming=False,
        protocol=Protocol.AS2,
        status=TransmissionStatus.QUEUED,
        lease_until=None,
    )
    Transmission.objects.filter(pk__in=list(rows.values_list("pk", flat=True)[:1000])).update(
        status=TransmissionStatus.WAITING
    )


def _claimed(taken: Counter[int], at: datetime.datetime) -> Iterator[Transmission]:
    """Some due rows, no more than two of one partner at a time."""
    free = Q(lease_until=None) | Q(lease_until__lte=at)
    rows = Transmission.objects.filter(
        free,
        ON,
        Q(next_attempt_at=None) | Q(next_attempt_at__lte=at),
        is_incoming=False,
        protocol=Protocol.AS2,
        status=TransmissionStatus.QUEUED,
    ).order_by("pk")
    full = [integration for integration, count in taken.items() if count >= LINES]
    rows = rows.exclude(integration__in=full)
    for pk, integration in rows.values_list("pk", "integration_id")[: THREADS * 25]:
        if taken[integration] >= LINES:
            continue
        if sum(taken.values()) >= THREADS:
            break
        row = _claim(pk, free, at)
        if row is not None:
            taken[integration] += 1
            yield row


def _claim(pk: int, free: Q, at: datetime.datetime) -> Transmission | None:
    token = f"as2-{os.getpid()}-{secrets.token_hex(8)}"
    claimed = Transmission.objects.filter(free, pk=pk, status=TransmissionStatus.QUEUED).update(
        claimed_by=token,
        lease_until=at + datetime.timedelta(seconds=300) + SPARE,
        attempts=F("attempts") + 1,
    )
    if not claimed:
        return None
    rows = Transmission.objects.select_related(
        "blob", "wire", "integration__as2", "integration__mailbox__account"
    )
    return rows.get(pk=pk)


def _prepare(row: Transmission, at: datetime.datetime) -> bool:
    """Build the message, once; False when that is not possible, and the row has failed."""
    if row.wire is not None:
        return True
    try:
        as2 = row.integration.as2
        message_id = new_message_id(as2.self_id)
        built = as2_calls.build(as2, row, message_id, at)
    except As2Connection.DoesNotExist:
        return _impossible(row, "The integration has no AS2 connection: enter it.", at)
    except OmnichannelError as error:
        return _impossible(row, str(error), at)
    used = (as2.encryption, as2.signing)
    row.headers, row.mic = built.headers, built.mic
    row.message_id = bare_id(message_id)
    row.mdn_state = MdnState.NONE if as2.mdn_mode == MdnMode.NONE else MdnState.PENDING
    row.peer = as2_pairs.peer_name(as2)
    row.security = ", ".join(
        f"{word} {name}"
        for word, name in zip(("encrypted", "signed"), used, strict=True)
        if name != "none"
    )
    with transaction.atomic():
        row.wire = blobs.store(built.body)
        row.save(
            update_fields=[
                *("headers", "mic", "message_id", "mdn_state", "peer", "security", "wire")
            ]
        )
    return True


def _impossible(row: Transmission, text: str, at: datetime.datetime) -> bool:
    """It will not get better by itself: the operator has to change something."""
    mine = Transmission.objects.filter(pk=row.pk, claimed_by=row.claimed_by)
    fields = {"error_code": "unsendable", "error_text": text[:500], "claimed_by": ""}
    as2_receipts.give_up(mine, row, {**fields, "lease_until": None}, text, at)
    return False


def _settle(row: Transmission, outcome: Outcome, now: datetime.datetime) -> bool:
    """Write what came of the call; whether the partner has the document."""
    if outcome.receipt is not None:
        answer = outcome.answer
        as2_receipts.settle(row, outcome.receipt, answer.headers, answer.body, at=now)
        return outcome.receipt.is_delivered
    if outcome.is_taken:
        return _handed_over(row, now)
    if outcome.is_final:
        _impossible(row, outcome.text, now)
    else:
        as2_receipts.again_or_never(row, outcome.code, outcome.text, now)
    return False


def _handed_over(row: Transmission, at: datetime.datetime) -> bool:
    """The partner took it; its receipt comes later, or none is wanted."""
    is_done = row.mdn_state == MdnState.NONE
    mine = Transmission.objects.filter(
        pk=row.pk, claimed_by=row.claimed_by, status__in=as2_receipts.UNDER_WAY
    )
    changed = mine.update(
        status=TransmissionStatus.DONE if is_done else TransmissionStatus.SENT,
        done_at=at if is_done else None,
        mdn_due_at=None if is_done else at + as2_receipts.AWAITED,
        error_code="",
        error_text="",
        claimed_by="",
        lease_until=None,
    )
    text = "and no receipt is asked for" if is_done else "and its receipt is awaited"
    entry = Entry(
        Operation.TRANSMITTED,
        f"{row.filename} was handed over, {text}",
        mailbox=row.integration.mailbox_id,
        transmission=row.pk,
        detail={"message_id": row.message_id, "attempts": row.attempts},
    )
    if changed:
        audit.write([entry], at=at)
    return bool(changed)
