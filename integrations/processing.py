"""OUT: files of partners become envelopes.

A file is claimed, read and converted, and only then, in one transaction, everything that comes of
it is written together with the end of the claim; some files share a transaction. A worker that
dies before leaves nothing behind but a lease that runs out; one that comes back too late finds the
claim gone and writes nothing.
"""

from __future__ import annotations

import datetime
import logging
from collections import Counter
from collections.abc import Callable, Sequence

from django.db import DataError, IntegrityError, transaction

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
CHUNK = 8  # files whose rows are written together: others must write too
RELATED = ("blob", "repeats", "integration__mailbox__account")
EXPECTED = (IntegrationError, Busy, OSError, DataError, IntegrityError)


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
    ready: list[Case] = []
    for row in rows.order_by("pk"):
        if stopped():
            _finish(ready)
            leases.give_back(Transmission.objects.all(), token)
            return len(ids)
        case = Case(row, directory.book(row.integration.mailbox.account), at)
        if _is_ready(case):
            ready.append(case)
        if len(ready) == CHUNK:
            _finish(ready)
            ready = []
    _finish(ready)
    return len(ids)


def _is_ready(case: Case) -> bool:
    """Read and convert it; False when that is the end of it."""
    try:
        if not is_on(case.row.integration):
            leases.end(case.row, TransmissionStatus.WAITING)
            return False
        if case.row.attempts > leases.MOST_ATTEMPTS:
            raise DocumentRefused(
                "It was begun several times and never finished. Look at the log of the workers, "
                "then reprocess it.",
                "given_up",
            )
        becoming.examine(case)
    except EXPECTED as error:
        _settle(case, error)
        return False
    except Exception:  # the others of the batch go on; this one is tried again by its lease
        logger.exception("Transmission %s could not be processed.", case.row.pk)
        return False
    crash.point("file_read")
    return True


def _settle(case: Case, error: Exception) -> None:
    """It did not go well: whose fault is it?"""
    if case.sink:
        case.sink.drop()
    try:
        if isinstance(error, IntegrationError) and error.code not in leases.NOT_NOW:
            failing.fail_file(case, error)
        else:  # nobody's: somebody is busy, a disk is full
            logger.warning("Transmission %s has to wait: %s", case.row.pk, type(error).__name__)
            leases.postpone(case.row, case.at + leases.LATER)
    except Exception:
        logger.exception("Transmission %s could not be ended.", case.row.pk)


def _finish(cases: Sequence[Case]) -> None:
    """Write what comes of these in one transaction; one that cannot be written is left out."""
    if not cases:
        return
    failed: list[tuple[Case, Exception]] = []
    try:
        with transaction.atomic():
            entries: list[Entry] = []
            applied: Counter[int] = Counter()
            for case in cases:
                try:
                    with transaction.atomic():
                        told = _written(case)
                except EXPECTED as error:
                    failed.append((case, error))
                    continue
                entries += told
                if told and case.rule:
                    applied[case.rule.pk] += 1
            for rule, times in sorted(applied.items()):  # so no two workers wait for one another
                count(rule, ok=True, times=times)
            audit.write(entries, at=cases[0].at)
            crash.point("file_written")
    except Exception:
        logger.exception("%s transmissions could not be written.", len(cases))
        return
    crash.point("file_committed")
    for case, fault in failed:
        _settle(case, fault)


def _written(case: Case) -> list[Entry]:
    """What the trail is to say of it: nothing when the claim is another's by now."""
    row, at = case.row, case.at
    if not leases.end(row, TransmissionStatus.DONE, done_at=at, error_code="", error_text=""):
        if case.sink:
            case.sink.drop()
        return []
    crash.point("file_moved")
    first, entries = _write_all(case)
    placing.drop(row, row.repeats)
    failing.forget_error(row)
    _log(case, first)
    return [*case.story, *entries]


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
