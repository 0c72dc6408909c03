"""What an import did, in words and numbers for the operator."""

from __future__ import annotations

from campaigns.choices import ImportMode, ImportStatus
from campaigns.models import AudienceImport


def percent(row: AudienceImport) -> int:
    """0 to 100 of the file; 100 only at its end."""
    if row.status == ImportStatus.FINISHED:
        return 100
    return min(99, row.bytes_done * 100 // row.bytes_total) if row.bytes_total else 0


def rows_per_second(row: AudienceImport) -> float:
    """Over the time that it was worked on, waiting left out."""
    seconds = row.checkpoint.get("seconds", 0)
    return row.rows_done / seconds if seconds else 0.0


def rows_in_all(row: AudienceImport) -> int:
    """Rows of the whole file: known at its end, before that judged by the bytes read."""
    if row.checkpoint.get("all_read") or not row.bytes_done:
        return row.rows_done
    return round(row.rows_done * row.bytes_total / row.bytes_done)


def headline(row: AudienceImport) -> str:
    """One or two sentences that leave no doubt about how much of the file is in the audience."""
    if row.status == ImportStatus.QUEUED:
        return "It waits for its turn and starts in a moment."
    if row.status == ImportStatus.RUNNING:
        if row.checkpoint.get("all_read"):
            return "All rows are read. The records that are not in the file are being removed."
        return f"{row.rows_done:,} of about {rows_in_all(row):,} rows are read."
    if row.status == ImportStatus.FINISHED:
        return f"All {row.rows_done:,} rows were read. {imported(row):,} are in the audience."
    return f"{_why(row)} {_how_far(row)} {_what_stays(row)}".strip()


def imported(row: AudienceImport) -> int:
    return row.added + row.updated + row.unchanged


def _why(row: AudienceImport) -> str:
    return "It was cancelled." if row.status == ImportStatus.CANCELLED else row.error


def _how_far(row: AudienceImport) -> str:
    if not row.rows_done:
        return "No row was imported."
    if row.checkpoint.get("all_read"):
        return f"All {row.rows_done:,} rows were read before."
    end = "it was cancelled" if row.status == ImportStatus.CANCELLED else "it failed"
    total = rows_in_all(row)
    return f"{row.rows_done:,} of about {total:,} rows were read before {end}: not the whole file."


def _what_stays(row: AudienceImport) -> str:
    if row.mode != ImportMode.REPLACE:
        return "What was imported stays in the audience." if imported(row) else ""
    if row.removed:
        return f"{row.removed:,} old records were removed already; the others stay."
    return "No old record was removed."
