"""OUT: files of partners become envelopes.

A file is claimed, read and converted, and only then, in one transaction, everything that comes of
it is written together with the end of the claim. A worker that dies before leaves nothing behind
but a lease that runs out; one that comes back too late finds the claim gone and writes nothing.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable

from django.db import transaction

from integrations import announcing, audit, becoming, envelopes, failing, leases, placing
from integrations.announcing import About
from integrations.audit import Entry
from integrations.becoming import Case
from integrations.choices import LogStatus, Operation, TransmissionStatus
from integrations.counting import count
from integrations.directory import Directory, is_on
from integrations.exceptions import ConversionFailed, DocumentRefused, IntegrationError
from integrations.models import ConversionLog, Envelope, Transmission
from omnichannel import crash
from omnichannel.exceptions import Busy, ImportRefused, OmnichannelError

logger = logging.getLogger(__name__)

BATCH = 25
RELATED = ("blob", "repeats", "integration__mailbox__account")


def process_due(
    at: datetime.datetime, *, most: int = BATCH, stopped: Callable[[], bool] = lambda: False
) -> int:
    """Look at up to `most` files; answer how many were."""
    incoming = Transmission.objects.filter(is_incoming=True)
    token, ids = leases.claim(incoming, at, most)
    if not ids:
        return 0
    crash.point("file_claimed")
    directory = Directory()
    rows = Transmission.objects.filter(pk__in=ids, claimed_by=token).select_related(*RELATED)
    for row in rows.order_by("pk"):
        if stopped():
            leases.give_back(Transmission.objects.all(), token)
            break
        try:
            _process(Case(row, directory.book(row.integration.mailbox.account), at))
        except OSError:  # a full disk, say: it is nobody's fault
            logger.exception("%s has to wait.", row)
            leases.postpone(row, at + leases.LATER)
        except Exception:  # the others of the batch go on; this one is tried again by its lease
            logger.exception("Transmission %s could not be processed.", row.pk)
    return len(ids)


def _process(case: Case) -> None:
    if not is_on(case.row.integration):
        leases.end(case.row, TransmissionStatus.WAITING)
        return
    try:
        if case.row.attempts > leases.MOST_ATTEMPTS:
            raise DocumentRefused(
                "It was begun several times and never finished. Look at the log of the workers, "
                "then reprocess it.",
                "given_up",
            )
        becoming.examine(case)
        crash.point("file_read")
        _finish(case)
    except Busy:
        _postpone(case)
    except IntegrationError as error:
        if error.code in leases.NOT_NOW:
            _postpone(case)
        else:
            _drop(case)
            failing.fail_file(case, error)
    crash.point("file_committed")


def _postpone(case: Case) -> None:
    _drop(case)
    leases.postpone(case.row, case.at + leases.LATER)


def _drop(case: Case) -> None:
    if case.sink:
        case.sink.drop()


def _finish(case: Case) -> None:
    """Raises IntegrationError, with nothing written."""
    row, at = case.row, case.at
    with transaction.atomic():
        if not leases.end(row, TransmissionStatus.DONE, done_at=at, error_code="", error_text=""):
            return
        crash.point("file_moved")
        first, entries = _write_all(case)
        placing.drop(row, row.repeats)
        failing.forget_error(row)
        _log(case, first)
        if case.rule:
            count(case.rule, ok=True)
        audit.write([*case.story, *entries], at=at)
        crash.point("file_written")


def _write_all(case: Case) -> tuple[Envelope | None, list[Entry]]:
    """What the file becomes, and the first envelope of it."""
    first: Envelope | None = None
    entries: list[Entry] = []
    for number, draft in enumerate(case.drafts):
        envelope, told = envelopes.write(draft, at=case.at, source=case.row, number=number)
        first = first or envelope
        entries += told
    about = About(case.mailbox.pk, None, case.row.pk)
    for number, values in enumerate(case.events):
        entries += _trigger(case, number, values, about)
    if case.sink:
        try:
            text = case.sink.keep(at=case.at)
        except Busy:
            raise
        except ImportRefused as error:
            raise DocumentRefused(str(error), "audience") from error
        entries.append(about.entry(Operation.CONVERTED, text))
    return first, entries


def _trigger(case: Case, number: int, values: dict[str, object], about: About) -> list[Entry]:
    """To whom the document names, else to who gets the notices."""
    key = str(case.rule.target_options.get("event", "")) if case.rule else ""
    to = announcing.addresses_in(values, case.row.integration.notify_email)
    dedupe = f"transmission:{case.row.key}:{number}"
    try:
        return announcing.trigger(key, to, values, dedupe, about, at=case.at)
    except OmnichannelError as error:
        raise ConversionFailed(f"The event “{key}” was not triggered: {error}", "event") from error


def _log(case: Case, envelope: Envelope | None) -> None:
    row, rule = case.row, case.rule
    ConversionLog.objects.create(
        transmission=row,
        mailbox=case.mailbox,
        rule=rule,
        rule_name=rule.name if rule else "",
        envelope=envelope,
        filename=row.filename,
        status=LogStatus.REPROCESSED if row.repeats_id else LogStatus.PROCESSED,
        input=row.blob,
        output=case.output,
        output_name="envelope.xml" if case.output else "",
        milliseconds=case.milliseconds,
        created_at=case.at,
    )
