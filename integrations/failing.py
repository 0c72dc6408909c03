"""A partner's file that came to nothing: where it goes, and who is told."""

from __future__ import annotations

from django.db import transaction

from integrations import audit, blobs, hooks, leases, placing
from integrations.becoming import Case
from integrations.choices import Folder, LogStatus, Operation, TransmissionStatus
from integrations.counting import count
from integrations.exceptions import IntegrationError
from integrations.models import ConversionLog, FolderFile, Transmission

NOTE = ".error.txt"
MOST_BYTES = 255  # of a name in a folder


def fail_file(case: Case, error: IntegrationError) -> None:
    """In one transaction, if the claim is still ours."""
    row, at = case.row, case.at
    text = str(error)
    with transaction.atomic():
        ended = leases.end(
            row,
            TransmissionStatus.ERROR,
            done_at=at,
            error_code=error.code[:40],
            error_text=text[:500],
        )
        if not ended:
            return
        log = _log(case, error)
        if row.folder:
            _put_aside(case, log, error)
        if case.rule:
            count(case.rule.pk, ok=False)
        told = hooks.of_failed_file(row, error.code, text, at=at)
        case.say(Operation.FAILED, text, code=error.code, line=error.line, column=error.column)
        audit.write([*case.story, *told], at=at)


def _log(case: Case, error: IntegrationError) -> ConversionLog:
    return ConversionLog.objects.create(
        transmission=case.row,
        mailbox=case.mailbox,
        rule=case.rule,
        rule_name=case.rule.name if case.rule else "",
        filename=case.row.filename,
        status=LogStatus.FAILED,
        error_code=error.code[:40],
        error_text=str(error)[:1000],
        line=error.line or None,
        column=error.column or None,
        input=case.row.blob,
        output=case.output,
        milliseconds=case.milliseconds,
        created_at=case.at,
    )


def _put_aside(case: Case, log: ConversionLog, error: IntegrationError) -> None:
    """From the outbox to error/, with a note beside it that says why."""
    row = case.row
    placing.drop(row)
    place = (row.integration, Folder.ERROR)
    placing.replace(*place, row.filename, row.blob, at=case.at, transmission=row)
    column = f", column {error.column}" if error.column else ""
    where = f"Line {error.line}{column}\n" if error.line else ""
    note = (
        f"{row.filename} was not processed.\n\n{error}\n{where}\nCode: {error.code}\n"
        f"Log: {log.pk}\n\nMove the file back to {row.folder} to have it processed again.\n"
    )
    placing.replace(*place, note_of(row.filename), blobs.store(note.encode()), at=case.at)
    case.say(Operation.PLACED, f"{Folder.ERROR}/{row.filename}")


def note_of(name: str) -> str:
    """The name of the note beside a file."""
    most = MOST_BYTES - len(NOTE)
    return name.encode()[:most].decode("utf-8", "ignore") + NOTE


def forget_error(row: Transmission) -> None:
    """The note of a file that now went well is of no use any more."""
    if row.repeats_id:
        notes = FolderFile.objects.filter(
            integration=row.integration, folder=Folder.ERROR, name=note_of(row.filename)
        )
        notes.delete()
