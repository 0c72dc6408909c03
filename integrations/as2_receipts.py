"""What partners tell of our messages: their receipts, in the answer or later."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from integrations import as2_pairs, audit, blobs, hooks
from integrations.audit import Entry
from integrations.choices import MdnState, Operation, Protocol, TransmissionStatus
from integrations.exceptions import As2Refused
from integrations.models import As2Connection, Transmission
from integrations.protocols.as2.receipt_reading import (
    UNVERIFIED,
    Expected,
    Receipt,
    original_message_id,
    read_mdn,
)

PAUSES = tuple(datetime.timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
AWAITED = datetime.timedelta(minutes=30)
BATCH = 100
# A receipt may overtake our own note that the message was handed over.
UNDER_WAY = (TransmissionStatus.QUEUED, TransmissionStatus.SENT, TransmissionStatus.WAITING)

logger = logging.getLogger(__name__)


def take(
    as2: As2Connection,
    headers: Mapping[str, str],
    body: bytes,
    *,
    ip: str | None,
    at: datetime.datetime,
) -> bool:
    """A receipt that was posted to us; False when it changes nothing."""
    message_id = original_message_id(headers, body)
    rows = Transmission.objects.filter(
        integration=as2.integration_id,
        is_incoming=False,
        message_id=message_id,
        status__in=UNDER_WAY,
        mdn_state=MdnState.PENDING,
    ).exclude(message_id="")
    row = rows.select_related("integration__mailbox__account").first()
    if row is None:
        logger.info("%s: a receipt about no message that awaits one", as2)
        return False
    receipt = read(as2, row, headers, body, at)
    if receipt.state == UNVERIFIED:  # anybody may have sent it: the right one may still come
        _note(row, receipt, at, ip)
        return False
    return settle(row, receipt, headers, body, at=at, ip=ip)


def read(
    as2: As2Connection,
    row: Transmission,
    headers: Mapping[str, str],
    body: bytes,
    at: datetime.datetime,
) -> Receipt:
    expected = Expected(row.message_id, row.mic, as2.mdn_signed)
    try:
        return read_mdn(headers, body, expected, as2_pairs.partner(as2, at), at=at)
    except As2Refused as error:  # the stored certificate cannot be read
        return Receipt(UNVERIFIED, text=str(error))


def settle(
    row: Transmission,
    receipt: Receipt,
    headers: Mapping[str, str],
    body: bytes,
    *,
    at: datetime.datetime,
    ip: str | None = None,
) -> bool:
    """Done or failed, as a believed receipt says; False when the row has moved on."""
    with transaction.atomic():
        ended = _under_way(row).update(
            status=TransmissionStatus.DONE if receipt.is_delivered else TransmissionStatus.ERROR,
            mdn=blobs.store(body),
            mdn_headers={name.lower(): value[:1000] for name, value in headers.items()},
            mdn_state=MdnState(receipt.state),
            disposition=receipt.disposition[:255],
            error_code="" if receipt.is_delivered else "refused",
            error_text=receipt.text[:500],
            mdn_due_at=None,
            done_at=at,
            claimed_by="",
            lease_until=None,
        )
        if not ended:
            transaction.set_rollback(True)
            return False
        _note(row, receipt, at, ip)
        if not receipt.is_delivered:
            hooks.delivery_failed(row, f"The partner refused it: {receipt.text}", at=at)
    return True


def _under_way(row: Transmission) -> QuerySet[Transmission]:
    return Transmission.objects.filter(pk=row.pk, status__in=UNDER_WAY)


def _note(row: Transmission, receipt: Receipt, at: datetime.datetime, ip: str | None) -> None:
    shown = {
        "processed": "The partner confirmed that it was received intact",
        "warning": "The partner confirmed it, with a warning",
        "failed": "The partner refused it",
    }.get(receipt.state, "A receipt that cannot be believed came")
    entry = Entry(
        Operation.RECEIPT,
        f"{shown}{': ' + receipt.text if receipt.text else ''}",
        mailbox=row.integration.mailbox_id,
        transmission=row.pk,
        ip=ip,
        detail={
            "message_id": row.message_id,
            "state": receipt.state,
            "disposition": receipt.disposition,
            "signed": receipt.was_signed,
        },
    )
    audit.write([entry], at=at)


def check_async_mdn(at: datetime.datetime) -> int:
    """Send again what no receipt came for, or give it up; how many there were."""
    rows = Transmission.objects.filter(
        status=TransmissionStatus.SENT,
        is_incoming=False,
        protocol=Protocol.AS2,
        mdn_due_at__lte=at,
    ).select_related("integration__as2", "integration__mailbox__account")
    count = 0
    for row in rows.order_by("mdn_due_at")[:BATCH]:
        count += again_or_never(row, "no-receipt", "No receipt came in time.", at)
    return count


def again_or_never(row: Transmission, code: str, text: str, at: datetime.datetime) -> bool:
    """After a failed attempt, the `row.attempts`-th: later once more, with the same bytes, or not
    at all. One that was set to wait meanwhile goes on waiting.
    """
    as2 = row.integration.as2
    fields: dict[str, Any] = {
        "error_code": code[:40],
        "error_text": text[:500],
        "mdn_due_at": None,
        "claimed_by": "",
        "lease_until": None,
    }
    mine = _under_way(row).filter(attempts=row.attempts, claimed_by=row.claimed_by)
    if row.attempts >= as2.max_attempts:
        return give_up(mine, row, fields, text, at)
    pause = PAUSES[min(row.attempts, len(PAUSES)) - 1]
    fields["next_attempt_at"] = at + pause
    moved = mine.exclude(status=TransmissionStatus.WAITING).update(
        status=TransmissionStatus.QUEUED, **fields
    ) or mine.update(**fields)
    return bool(moved)


def give_up(
    mine: QuerySet[Transmission],
    row: Transmission,
    fields: dict[str, Any],
    text: str,
    at: datetime.datetime,
) -> bool:
    state = MdnState.UNVERIFIED if fields["error_code"] == "unverified" else MdnState.FAILED
    with transaction.atomic():
        changed = mine.update(
            status=TransmissionStatus.ERROR, mdn_state=state, done_at=at, **fields
        )
        if not changed:
            return False
        entry = Entry(
            Operation.FAILED,
            f"{row.filename} could not be sent: {text}",
            mailbox=row.integration.mailbox_id,
            transmission=row.pk,
            detail={"message_id": row.message_id, "attempts": row.attempts},
        )
        audit.write([entry], at=at)
        hooks.delivery_failed(row, text, at=at)
    return True
