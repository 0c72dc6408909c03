"""Once more: what an operator wants processed again. The old rows and their log stay."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Iterable

from django.db import transaction

from integrations import arrivals, audit, placing
from integrations.arrivals import Arrived
from integrations.audit import Entry
from integrations.choices import DeliveryStatus, Operation, Protocol, TransmissionStatus
from integrations.connections import Actor, name_of
from integrations.drafts import NotPossible
from integrations.envelopes import DELIVER
from integrations.models import Blob, ConversionLog, EnvelopeDelivery, Transmission
from omnichannel import doorbell

ENDED = (TransmissionStatus.DONE, TransmissionStatus.ERROR)
UNDER_WAY = {
    TransmissionStatus.RECEIVED,
    TransmissionStatus.WORKING,
    TransmissionStatus.WAITING,
}
REPEATABLE = (
    DeliveryStatus.CONVERTED,
    DeliveryStatus.COPIED,
    DeliveryStatus.NOTIFIED,
    DeliveryStatus.FAILED,
    DeliveryStatus.KEPT,
    DeliveryStatus.SEEN,
)
GONE = "The document was deleted, as it is old."


def logs(rows: Iterable[ConversionLog], *, by: Actor, at: datetime.datetime) -> list[str]:
    """Reprocess what these tell of, each once; answer why some could not be, in words."""
    refused: list[str] = []
    deliveries: dict[int, EnvelopeDelivery] = {}
    transmissions: dict[int, Transmission] = {}
    for log in rows:
        if log.delivery:
            deliveries[log.delivery.pk] = log.delivery
        elif log.transmission:
            transmissions[log.transmission.pk] = log.transmission
        else:
            refused.append(f"{log.filename}: what it was about is gone.")
    for row in deliveries.values():
        refused += _tried(str(row), functools.partial(delivery, row, by=by, at=at))
    for sent in transmissions.values():
        refused += _tried(str(sent), functools.partial(transmission, sent, by=by, at=at))
    return refused


def _tried(name: str, do: Callable[[], object]) -> list[str]:
    try:
        do()
    except NotPossible as error:
        return [f"{name}: {error}"]
    return []


def delivery(row: EnvelopeDelivery, *, by: Actor, at: datetime.datetime) -> None:
    """Have the envelope go its way at this mailbox once more. Raises NotPossible."""
    with transaction.atomic():
        again = EnvelopeDelivery.objects.filter(pk=row.pk, status__in=REPEATABLE)
        moved = again.update(
            status=DeliveryStatus.RECEIVED, attempts=0, error_code="", error_text=""
        )
        if not moved:
            raise NotPossible("It is in work, waits, or was rejected.")
        doorbell.ring(DELIVER)
        entry = Entry(
            Operation.REPROCESSED,
            str(row.mailbox),
            mailbox=row.mailbox_id,
            envelope=row.envelope_id,
            actor=name_of(by),
        )
        audit.write([entry], at=at)


def _check_repeats(row: Transmission) -> None:
    """A second press of the button is no second wish. Raises NotPossible."""
    Transmission.objects.select_for_update().get(pk=row.pk)  # one at a time
    again = set(Transmission.objects.filter(repeats=row.pk).values_list("status", flat=True))
    if again & UNDER_WAY:
        raise NotPossible("It is being processed again already.")
    if row.status == TransmissionStatus.ERROR and TransmissionStatus.DONE in again:
        raise NotPossible("It went well when it was processed again. Reprocess that one.")


def transmission(row: Transmission, *, by: Actor, at: datetime.datetime) -> Transmission:
    """Process a partner's file once more: a transmission of its own. Raises NotPossible.

    One that went well before makes a further envelope; one that failed does not, when it went well
    or is under way by another such wish.
    """
    if not row.is_incoming or row.status not in ENDED:
        raise NotPossible("Only a partner's file that was processed can be processed again.")
    if Blob.objects.filter(pk=row.blob_id).exclude(purged_at=None).exists():
        raise NotPossible(GONE)
    with transaction.atomic():
        _check_repeats(row)
        placing.drop(row)
        made = arrivals.take_in(
            Arrived(
                row.integration,
                Protocol(row.protocol),
                row.filename,
                row.blob,
                folder=row.folder,
                content_type=row.content_type,
                attributes=row.attributes,
                repeats=row,
            ),
            at=at,
        )
        entry = Entry(
            Operation.REPROCESSED,
            row.filename,
            mailbox=row.integration.mailbox_id,
            transmission=made.pk,
            actor=name_of(by),
            detail={"repeats": row.pk},
        )
        audit.write([entry], at=at)
    return made
