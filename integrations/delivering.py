"""IN: envelopes that reached a mailbox go on to its owner's machine.

As in `processing`: claimed, converted outside any transaction, then everything in one.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable

from django.db import transaction

from integrations import audit, default_rules, hooks, incoming, leases
from integrations.announcing import About
from integrations.audit import Entry
from integrations.choices import DeliveryStatus, EnvelopeStatus, LogStatus, Operation
from integrations.counting import count
from integrations.directory import Directory, integration_of, is_on
from integrations.exceptions import DocumentRefused, IntegrationError
from integrations.inward import Inward
from integrations.models import ConversionLog, EnvelopeDelivery
from omnichannel import crash

logger = logging.getLogger(__name__)

BATCH = 25
OVER = (EnvelopeStatus.CANCELLED, EnvelopeStatus.EXPIRED, EnvelopeStatus.DRAFT)
RELATED = (
    "mailbox__account",
    "mailbox__integration",
    "envelope__sender__account",
    "envelope__template_version__template",
)


def deliver_due(
    at: datetime.datetime, *, most: int = BATCH, stopped: Callable[[], bool] = lambda: False
) -> int:
    """Look at up to `most` deliveries; answer how many were."""
    token, ids = leases.claim(EnvelopeDelivery.objects.all(), at, most)
    if not ids:
        return 0
    crash.point("delivery_claimed")
    directory = Directory()
    rows = EnvelopeDelivery.objects.filter(pk__in=ids, claimed_by=token)
    for row in rows.select_related(*RELATED).order_by("pk"):
        if stopped():
            leases.give_back(EnvelopeDelivery.objects.all(), token)
            break
        try:
            _deliver(Inward(row, directory.book(row.mailbox.account), at))
        except OSError:  # a full disk, say: it is nobody's fault
            logger.exception("%s has to wait.", row)
            leases.postpone(row, at + leases.LATER)
        except Exception:  # the others of the batch go on; this one is tried again by its lease
            logger.exception("Delivery %s could not be made.", row.pk)
    return len(ids)


def _deliver(case: Inward) -> None:
    row = case.row
    integration = integration_of(row.mailbox)
    if integration is None:
        _keep(case)
        return
    if not is_on(integration):
        leases.end(row, DeliveryStatus.WAITING)
        return
    if case.envelope.status in OVER:
        _too_late(case)
        return
    try:
        _check(case)
        incoming.examine(case, integration)
        crash.point("delivery_made")
        _finish(case)
    except IntegrationError as error:
        if error.code in leases.NOT_NOW:
            leases.postpone(row, case.at + leases.LATER)
        else:
            _fail(case, error)
    crash.point("delivery_committed")


def _check(case: Inward) -> None:
    """Raises DocumentRefused."""
    if case.row.attempts > leases.MOST_ATTEMPTS:
        raise DocumentRefused(
            "It was begun several times and never finished. Look at the log of the workers, then "
            "reprocess it.",
            "given_up",
        )


def _too_late(case: Inward) -> None:
    """It was taken back: nobody is told, as nobody waits for it."""
    text = f"The envelope is {case.envelope.get_status_display().lower()}: it goes no further."
    with transaction.atomic():
        if leases.end(case.row, DeliveryStatus.FAILED, error_code="state", error_text=text):
            case.say(Operation.FAILED, text)
            audit.write(case.story, at=case.at)


def _keep(case: Inward) -> None:
    """The mailbox is no machine's: the envelope stays in it."""
    with transaction.atomic():
        if leases.end(case.row, DeliveryStatus.KEPT):
            audit.write(_received(case), at=case.at)


def _finish(case: Inward) -> None:
    """Raises IntegrationError, with nothing written."""
    with transaction.atomic():
        if not leases.end(case.row, case.status, error_code="", error_text=""):
            return
        crash.point("delivery_moved")
        received = _received(case)
        case.act()
        is_again = case.row.logs.exists()
        if case.rule or is_again:
            _log(case, LogStatus.REPROCESSED if is_again else LogStatus.PROCESSED)
        if case.rule:
            count(case.rule.pk, ok=True)
        audit.write([*received, *case.story], at=case.at)
        crash.point("delivery_written")


def _received(case: Inward) -> list[Entry]:
    return hooks.envelope_event("envelope-received", case.envelope, case.row.mailbox, at=case.at)


def _fail(case: Inward, error: IntegrationError) -> None:
    row, text = case.row, str(error)
    with transaction.atomic():
        ended = leases.end(
            row,
            DeliveryStatus.FAILED,
            error_code=error.code[:40],
            error_text=text[:500],
        )
        if not ended:
            return
        _log(case, LogStatus.FAILED, error)
        if case.rule:
            count(case.rule.pk, ok=False)
        about = About(row.mailbox_id, row.envelope_id)
        key = f"delivery:{row.pk}:{row.logs.count()}:failed"
        name = case.envelope.subject or str(case.envelope.key)
        case.say(Operation.FAILED, text, code=error.code, line=error.line, column=error.column)
        told = hooks.of_failed_delivery(row.mailbox, name, text, key, about, at=case.at)
        audit.write([*case.story, *told], at=case.at)


def _log(case: Inward, status: LogStatus, error: IntegrationError | None = None) -> None:
    rule = case.rule
    ConversionLog.objects.create(
        delivery=case.row,
        mailbox=case.row.mailbox,
        rule=rule,
        rule_name=rule.name if rule else "",
        envelope=case.envelope,
        filename=case.filename or default_rules.FILE,
        status=status,
        error_code=error.code[:40] if error else "",
        error_text=str(error)[:1000] if error else "",
        line=(error.line if error else 0) or None,
        column=(error.column if error else 0) or None,
        output=case.output,
        output_name=case.filename,
        milliseconds=case.milliseconds,
        created_at=case.at,
    )
