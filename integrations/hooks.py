"""What the rest of the product, and the partner's people, are told of.

Those that answer entries of the audit trail leave the writing to their caller, who does it last
in its transaction; the others write them, and may be called anywhere.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from django.db import transaction

from integrations import announcing, audit
from integrations.announcing import About
from integrations.audit import Entry
from integrations.choices import DeliveryStatus, Operation
from integrations.directory import notified
from integrations.models import (
    Envelope,
    EnvelopeDelivery,
    EnvelopeEvent,
    Integration,
    Mailbox,
    Transmission,
)

MOST_FIELDS = 50
NOT_SENT = "not_sent"  # the error code of a delivery
LONGEST_FIELD = 500


def envelope_event(
    name: str, envelope: Envelope, mailbox: Mailbox, *, at: datetime.datetime
) -> list[Entry]:
    """`name`: envelope-received, -sent, -rejected, -completed, -expired; at this mailbox."""
    about = About(mailbox.pk, envelope.pk, envelope.source_id)
    values = {**_of_envelope(envelope), "recipient": mailbox.name}
    key = f"envelope:{envelope.key}:{mailbox.key}:{name}"
    return announcing.announce(name, _known_to(mailbox), values, key, about, at=at)


def file_failed(transmission: Transmission, code: str, text: str, *, at: datetime.datetime) -> None:
    with transaction.atomic():
        audit.write(of_failed_file(transmission, code, text, at=at), at=at)


def of_failed_file(
    transmission: Transmission, code: str, text: str, *, at: datetime.datetime
) -> list[Entry]:
    """A partner's file came to nothing."""
    mailbox = transmission.integration.mailbox
    about = About(mailbox.pk, None, transmission.pk)
    values = {
        **{"filename": transmission.filename, "sender": mailbox.name},
        **{"error_code": code, "error_text": text},
    }
    key = f"transmission:{transmission.key}:failed"
    return _tell(
        "integration-file-failed",
        mailbox,
        f"File of {mailbox} not processed: {transmission.filename}",
        f"The file {transmission.filename} of {mailbox} was not processed.\n\n{text} ({code})\n",
        (values, key, about),
        at,
    )


def delivery_failed(transmission: Transmission, text: str, *, at: datetime.datetime) -> None:
    """What was to go to a partner could not be handed over."""
    mailbox = transmission.integration.mailbox
    delivery = transmission.delivery
    about = About(mailbox.pk, delivery.envelope_id if delivery else None, transmission.pk)
    key = f"transmission:{transmission.key}:failed"
    with transaction.atomic():
        if delivery:
            _mark_failed(delivery, text)
        entries = of_failed_delivery(mailbox, transmission.filename, text, key, about, at=at)
        audit.write(entries, at=at)


def _mark_failed(delivery: EnvelopeDelivery, text: str) -> None:
    """Its recipient has not got it, whatever was made of it before."""
    handed = EnvelopeDelivery.objects.filter(pk=delivery.pk, status__in=DeliveryStatus.handed())
    handed.update(status=DeliveryStatus.FAILED, error_code=NOT_SENT, error_text=text[:500])


def of_failed_delivery(
    mailbox: Mailbox, filename: str, text: str, key: str, about: About, *, at: datetime.datetime
) -> list[Entry]:
    values = {
        **{"filename": filename, "recipient": mailbox.name},
        **{"error_code": "delivery", "error_text": text},
    }
    return _tell(
        "integration-delivery-failed",
        mailbox,
        f"Not delivered to {mailbox}: {filename}",
        f"{filename} could not be delivered to {mailbox}.\n\n{text}\n",
        (values, key, about),
        at,
    )


def locked_out(integration: Integration, ip: str, *, at: datetime.datetime) -> None:
    """Somebody tried too many passwords; told once in an hour and address."""
    mailbox = integration.mailbox
    about = About(mailbox.pk)
    values = {"ip_address": ip, "recipient": mailbox.name}
    key = f"integration:{integration.pk}:locked_out:{ip}:{at:%Y%m%d%H}"
    with transaction.atomic():
        found = announcing.announce(
            "integration-locked-out", _known_to(mailbox), values, key, about, at=at
        )
        audit.write(found, at=at)


def certificate_expiring(
    integration: Integration, which: str, expires_at: datetime.datetime, *, at: datetime.datetime
) -> None:
    """`which` says whose certificate; told once a day."""
    mailbox = integration.mailbox
    about = About(mailbox.pk)
    key = f"integration:{integration.pk}:{which[:60]}:{at:%Y%m%d}"
    if _is_told(mailbox, key):
        return
    day = f"{expires_at:%Y-%m-%d}"
    values = {"certificate": which, "expires_at": day, "recipient": mailbox.name}
    text = f"The {which} of {mailbox} expires on {day}. Renew it before then.\n"
    with transaction.atomic():
        told = about.entry(Operation.CERTIFICATE, f"The {which} expires on {day}.", key=key)
        subject = f"Certificate of {mailbox} expires on {day}"
        found = _tell(
            "integration-certificate-expiring", mailbox, subject, text, (values, key, about), at
        )
        audit.write([told, *found], at=at)


def _is_told(mailbox: Mailbox, key: str) -> bool:
    entries = EnvelopeEvent.objects.filter(
        mailbox_id=mailbox.pk, operation=Operation.CERTIFICATE, detail__key=key
    )
    return entries.exists()


def _tell(
    event: str,
    mailbox: Mailbox,
    subject: str,
    text: str,
    told: tuple[dict[str, Any], str, About],
    at: datetime.datetime,
) -> list[Entry]:
    """The notice by e-mail to who asked for notices, and the event."""
    values, key, about = told
    entries = []
    if to := notified([mailbox]):
        entries.append(announcing.mail(to, subject, text, about, at=at)[1])
    return entries + announcing.announce(event, _known_to(mailbox), values, key, about, at=at)


def _known_to(mailbox: Mailbox) -> Callable[[], str]:
    """The e-mail address for notices of the mailbox, else that of the house."""
    return lambda: notified([mailbox, mailbox.account.default_mailbox])


def _of_envelope(envelope: Envelope) -> dict[str, Any]:
    fields = list(envelope.fields.items())[:MOST_FIELDS]
    return {
        "envelope": {
            "uuid": str(envelope.key),
            "subject": envelope.subject,
            "status": envelope.status,
        },
        "sender": envelope.sender.name,
        "reject_reason": envelope.reject_reason,
        "fields": {name[:60]: str(value)[:LONGEST_FIELD] for name, value in fields},
    }
