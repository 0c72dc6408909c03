"""Our receipts for what partners sent: in the answer at once, or later to the agreed host."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.db.models import Q

from integrations import as2_line, as2_pairs, audit, blobs
from integrations.audit import Entry
from integrations.choices import MdnState, Operation, Protocol
from integrations.exceptions import As2Refused, IntegrationError
from integrations.models import As2Connection, Blob, Transmission
from integrations.protocols.as2.names import new_message_id
from integrations.protocols.as2.opening import Opened
from integrations.protocols.as2.receipts import Answer, build_mdn, wants_signed
from omnichannel import doorbell
from omnichannel.backends.outside import AddressRefused, Resolver
from omnichannel.backends.outside_line import NoAnswer

TASK = "integrations.tasks.send_as2"
LEASE = datetime.timedelta(minutes=5)
FIRST_PAUSE = datetime.timedelta(minutes=1)
GIVEN_UP_AFTER = datetime.timedelta(hours=8)
BATCH, THREADS = 20, 4

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
    """Which receipt the sender wants. `url`: it shall be sent there, later."""

    is_wanted: bool = False
    signed_with: str = ""
    url: str = ""


def asked_of(headers: Mapping[str, str], as2: As2Connection) -> Asked:
    """By the headers, with lower-case names. Raises As2Refused."""
    if not headers.get("disposition-notification-to"):
        return Asked()
    signed_with = wants_signed(headers, allow_legacy=as2.allow_legacy)
    return Asked(True, signed_with, headers.get("receipt-delivery-option", "").strip())


def check_agreed(asked: Asked, as2: As2Connection) -> None:
    """A receipt goes to the host that the operator entered, and to no other. Raises As2Refused."""
    if not asked.url:
        return
    text = "The receipt is wanted at a host that is not the one of the recipient URL: "
    if not as2_line.same_host(asked.url, as2.recipient_url):
        raise As2Refused(f"{text}enter that one, or ask the partner to change it.", "receipt-url")
    try:
        as2_line.check_url(asked.url)
    except AddressRefused as error:
        raise As2Refused(
            f"The receipt cannot go where it is wanted: {error}", "receipt-url"
        ) from error


def answer_to(
    as2: As2Connection,
    message_id: str,
    asked: Asked,
    *,
    at: datetime.datetime,
    opened: Opened | None = None,
    code: str = "",
) -> Answer:
    """Raises As2Refused when our own station has no certificate."""
    return build_mdn(
        own=as2_pairs.station(as2, at),
        to=as2.recipient_id,
        original_message_id=message_id,
        message_id=new_message_id(as2.self_id),
        at=at,
        code=code,
        mic=opened.mic if opened else "",
        mic_alg=opened.mic_alg if opened else "",
        signed_with=asked.signed_with,
    )


def keep(
    row: Transmission, answer: Answer, stored: Blob, asked: Asked, at: datetime.datetime
) -> None:
    """With the row, in the caller's transaction: a repeated message gets this very receipt.

    `stored` is its body, written before the audit trail is: nobody shall wait there for a disk.
    """
    row.mdn = stored
    row.mdn_headers = answer.headers
    row.disposition = answer.disposition[:255]
    row.mdn_state = MdnState.PENDING if asked.url else MdnState.PROCESSED
    row.mdn_url = asked.url
    row.mdn_due_at = at if asked.url else None
    row.save(
        update_fields=[*("mdn", "mdn_headers", "disposition", "mdn_state", "mdn_url", "mdn_due_at")]
    )
    if asked.url:
        doorbell.ring(TASK)


def kept(row: Transmission) -> Answer | None:
    if row.mdn is None:
        return None
    try:
        return Answer(row.mdn_headers, blobs.read(row.mdn), row.disposition)
    except IntegrationError:  # retention took it
        return None


def send_due(at: datetime.datetime, *, resolve: Resolver | None = None) -> int:
    """Send the receipts that were asked for later; how many were taken."""
    claimed = [row for row in _due(at) if _claim(row, at)]
    if not claimed:
        return 0
    with ThreadPoolExecutor(THREADS, thread_name_prefix="as2-receipt") as pool:
        faults = list(pool.map(lambda row: _call(row, resolve), claimed))
    for row, fault in zip(claimed, faults, strict=True):
        _settle(row, fault, at)
    return faults.count("")


def _due(at: datetime.datetime) -> list[Transmission]:
    rows = Transmission.objects.filter(
        Q(integration__active=True, integration__protocol=Protocol.AS2),
        is_incoming=True,
        mdn_state=MdnState.PENDING,
        mdn_due_at__lte=at,
    )
    return list(rows.select_related("integration__as2", "mdn").order_by("mdn_due_at")[:BATCH])


def _claim(row: Transmission, at: datetime.datetime) -> bool:
    mine = Transmission.objects.filter(
        pk=row.pk, mdn_state=MdnState.PENDING, mdn_due_at=row.mdn_due_at
    )
    row.mdn_due_at = at + LEASE
    return bool(mine.update(mdn_due_at=row.mdn_due_at))


def _call(row: Transmission, resolve: Resolver | None) -> str:
    """What went wrong, empty when it was taken. In a thread: no row is read or written."""
    answer = kept(row)
    if answer is None:
        return "The receipt is no longer kept."
    as2 = row.integration.as2
    call = as2_line.Call(
        row.mdn_url, answer.headers, answer.body, float(as2.timeout_s), as2.verify_tls
    )
    try:
        check_agreed(Asked(True, "", row.mdn_url), as2)  # it may have been changed
        said = as2_line.post(call, resolve=resolve)
    except (NoAnswer, As2Refused) as error:
        return str(error)
    return "" if said.status < 300 else f"The partner's station answered {said.status}."


def _settle(row: Transmission, fault: str, at: datetime.datetime) -> None:
    """Tried again after as long as it waited already, for eight hours."""
    age = at - row.created_at
    is_over = bool(fault) and age > GIVEN_UP_AFTER
    mine = Transmission.objects.filter(
        pk=row.pk, mdn_state=MdnState.PENDING, mdn_due_at=row.mdn_due_at
    )
    if fault and not is_over:
        mine.update(mdn_due_at=at + max(FIRST_PAUSE, age))
        logger.info("The receipt of transmission %s was not taken: %s", row.pk, fault)
        return
    state = MdnState.FAILED if is_over else MdnState.PROCESSED
    if not mine.update(mdn_state=state, mdn_due_at=None):
        return
    text = f"The receipt was not taken: {fault}" if fault else "The receipt was sent"
    entry = Entry(
        Operation.RECEIPT,
        text,
        mailbox=row.integration.mailbox_id,
        transmission=row.pk,
        detail={"message_id": row.message_id, "disposition": row.disposition},
    )
    audit.write([entry], at=at)
