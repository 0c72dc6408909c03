"""A message that is as agreed becomes a document with its row and its receipt, exactly once."""

from __future__ import annotations

import datetime
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from integrations import arrivals, as2_answers, as2_pairs, audit, blobs
from integrations.arrivals import Arrived
from integrations.as2_answers import Asked
from integrations.audit import Entry
from integrations.choices import Operation, Protocol, TransmissionStatus
from integrations.models import As2Connection, Blob, Transmission
from integrations.protocols.as2.opening import Opened
from integrations.protocols.as2.receipts import Answer

GOOD = (
    TransmissionStatus.RECEIVED,
    TransmissionStatus.WORKING,
    TransmissionStatus.WAITING,
    TransmissionStatus.DONE,
)
ENDINGS = {
    "application/edifact": "edi",
    "application/edi-x12": "x12",
    "application/xml": "xml",
    "text/xml": "xml",
    "application/json": "json",
    "text/csv": "csv",
    "text/plain": "txt",
}
SHOWN_HEADERS = (
    *("as2-from", "as2-to", "as2-version", "message-id", "subject", "date", "content-type"),
    *("disposition-notification-to", "disposition-notification-options"),
    *("receipt-delivery-option", "user-agent"),
)


@dataclass(frozen=True)
class Incoming:
    """A message that was opened and is as agreed."""

    headers: Mapping[str, str]  # lower-case names
    ip: str | None
    as2: As2Connection
    message_id: str
    asked: Asked
    opened: Opened

    @property
    def earlier(self) -> Transmission | None:
        rows = Transmission.objects.filter(
            integration=self.as2.integration_id,
            message_id=self.message_id,
            is_incoming=True,
            status__in=GOOD,
        )
        return rows.select_related("blob", "mdn").order_by("pk").first()

    def answer(self, at: datetime.datetime, code: str = "") -> Answer:
        opened = None if code else self.opened
        return as2_answers.answer_to(
            self.as2, self.message_id, self.asked, at=at, opened=opened, code=code
        )


def take_in(incoming: Incoming, at: datetime.datetime) -> Answer | None:
    """The receipt for the answer; None when it comes later, or none is wanted."""
    if earlier := incoming.earlier:
        return _again(incoming, earlier, at)
    answer = incoming.answer(at)
    document = _Written(incoming.opened.payload)
    receipt = _Written(answer.body) if incoming.asked.is_wanted else None
    try:
        with transaction.atomic():
            blob, stored = document.adopt(), receipt.adopt() if receipt else None
            row = arrivals.take_in(_arrived(incoming, blob), at=at)
            if stored:
                as2_answers.keep(row, answer, stored, incoming.asked, at)
    except IntegrityError:  # the same message, at this very moment
        earlier = incoming.earlier
        if earlier is None:
            raise
        return _again(incoming, earlier, at)
    return _said(incoming, answer)


class _Written:
    """Bytes that are on the disk before the transaction begins: nobody waits for it."""

    def __init__(self, data: bytes) -> None:
        self.path, self.data = blobs.scratch(), data
        with self.path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def adopt(self) -> Blob:
        return blobs.adopt(self.path, len(self.data), hashlib.sha256(self.data).hexdigest())


def _arrived(incoming: Incoming, blob: Blob) -> Arrived:
    opened = incoming.opened
    shown = {
        name: incoming.headers[name][:500] for name in SHOWN_HEADERS if name in incoming.headers
    }
    return Arrived(
        integration=incoming.as2.integration,
        protocol=Protocol.AS2,
        filename=_filename(opened),
        blob=blob,
        peer=as2_pairs.peer_name(incoming.as2),
        peer_ip=incoming.ip,
        content_type=opened.content_type,
        message_id=incoming.message_id,
        mic=f"{opened.mic}, {opened.mic_alg}"[:120],
        security=_security(opened),
        headers=shown,
        attributes={
            "AS2-From": incoming.as2.recipient_id,
            "AS2-To": incoming.as2.self_id,
            "Message-ID": incoming.message_id,
            "Subject": incoming.headers.get("subject", "")[:500],
            "Content-Type": opened.content_type[:100],
            "Filename": opened.filename,
        },
    )


def _filename(opened: Opened) -> str:
    return opened.filename or f"document.{ENDINGS.get(opened.content_type, 'bin')}"


def _security(opened: Opened) -> str:
    """For people, such as `encrypted aes256, signed sha256`."""
    used = list(opened.algorithms)
    words = [f"encrypted {used.pop(0)}"] if opened.was_encrypted else []
    words += [f"signed {used.pop(0)}"] if opened.was_signed else []
    words += ["compressed"] if opened.was_compressed else []
    return ", ".join(words) or "neither signed nor encrypted"


def _again(incoming: Incoming, earlier: Transmission, at: datetime.datetime) -> Answer | None:
    """The Message-ID came before. With the same document: the receipt got lost, here it is again
    (RFC 4130 5.5). With another: refused. Nothing is processed either way.
    """
    digest = hashlib.sha256(incoming.opened.payload).hexdigest()
    if earlier.blob.sha256 != digest:
        return _other_document(incoming, earlier, at)
    answer = as2_answers.kept(earlier) or incoming.answer(at)
    with transaction.atomic():
        stored = blobs.store(answer.body) if incoming.asked.url else None
        row = _repetition(incoming, earlier, earlier.blob, at)
        if stored:
            as2_answers.keep(row, answer, stored, incoming.asked, at)
    return _said(incoming, answer)


def _other_document(
    incoming: Incoming, earlier: Transmission, at: datetime.datetime
) -> Answer | None:
    code = "duplicate-document"
    answer = incoming.answer(at, code)
    with transaction.atomic():
        blob = blobs.store(incoming.opened.payload)
        stored = blobs.store(answer.body) if incoming.asked.is_wanted else None
        row = _repetition(incoming, earlier, blob, at, code)
        if stored:
            as2_answers.keep(row, answer, stored, incoming.asked, at)
    return _said(incoming, answer)


def _repetition(
    incoming: Incoming,
    earlier: Transmission,
    blob: Blob,
    at: datetime.datetime,
    code: str = "",
) -> Transmission:
    """A row that says so, and that nothing is done about."""
    arrived = _arrived(incoming, blob)
    text = "The Message-ID came before, with another document." if code else ""
    row = Transmission.objects.create(
        integration=arrived.integration,
        is_incoming=True,
        protocol=Protocol.AS2,
        filename=arrived.filename,
        content_type=arrived.content_type[:100],
        blob=blob,
        peer=arrived.peer,
        peer_ip=arrived.peer_ip,
        message_id=arrived.message_id,
        mic=arrived.mic,
        security=arrived.security,
        headers=arrived.headers,
        repeats=earlier,
        status=TransmissionStatus.DUPLICATE,
        error_code=code,
        error_text=text,
        created_at=at,
        done_at=at,
    )
    entry = Entry(
        Operation.REJECTED if code else Operation.RECEIPT,
        text or f"{arrived.filename} came again: its receipt was repeated",
        mailbox=arrived.integration.mailbox_id,
        transmission=row.pk,
        actor=arrived.peer,
        ip=arrived.peer_ip,
        detail={"message_id": arrived.message_id, "repeats": earlier.pk},
    )
    audit.write([entry], at=at)
    return row


def _said(incoming: Incoming, answer: Answer) -> Answer | None:
    """What the answer to the POST holds: nothing when the receipt comes later or not at all."""
    return answer if incoming.asked.is_wanted and not incoming.asked.url else None
