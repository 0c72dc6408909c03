"""The rows of the communication report with names instead of keys, for the page and as CSV."""

from __future__ import annotations

import csv
import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Min

from omnichannel import reports
from omnichannel.choices import ChannelType, EventType, MessageStatus
from omnichannel.formulas import escape
from omnichannel.models import ChannelProvider, Job, MessageEvent, TemplateVersion

NAMES_KEPT = 10_000  # jobs and templates whose names an export remembers
HEAD = (
    "Id",
    "Queued (UTC)",
    "Channel",
    "To",
    "Template",
    "Job",
    "Job id",
    "Provider",
    "Status",
    "Error code",
    "Error message",
    "Attempts",
    "Last attempt (UTC)",
    "Delivered (UTC)",
)


@dataclass(frozen=True)
class Row:
    id: int
    queued_at: datetime.datetime
    channel: str
    to: str
    template: str
    job: str
    job_id: int | None
    provider: str
    status: MessageStatus
    error_code: str
    error_message: str
    attempts: int
    last_attempt_at: datetime.datetime | None
    delivered_at: datetime.datetime | None


class Names:
    """The names that rows point to, each asked for once."""

    def __init__(self) -> None:
        self._providers: dict[int, tuple[str, str]] = {
            pk: (name, ChannelType(kind).label)
            for pk, name, kind in ChannelProvider.objects.values_list("id", "name", "channel_type")
        }
        self._versions: dict[int, str] = {}
        self._jobs: dict[int, str] = {}

    def rows(self, found: Sequence[tuple[Any, ...]]) -> Iterator[Row]:
        """Of `report_walk.FIELDS`."""
        self._learn({row[5] for row in found}, {row[6] for row in found})
        delivered = _delivered([row[0] for row in found])
        for pk, queued, to, status, provider, version, job, code, text, attempts, last in found:
            name, channel = self._providers.get(provider, ("", ""))
            yield Row(
                pk,
                queued,
                channel,
                to,
                self._versions.get(version, ""),
                self._jobs.get(job, ""),
                job,
                name,
                MessageStatus(status),
                code,
                text,
                attempts,
                last,
                delivered.get(pk),
            )

    def _learn(self, versions: set[int | None], jobs: set[int | None]) -> None:
        for known in (self._versions, self._jobs):
            if len(known) > NAMES_KEPT:
                known.clear()
        wanted = [pk for pk in versions if pk is not None and pk not in self._versions]
        if wanted:
            rows = TemplateVersion.objects.filter(pk__in=wanted)
            for pk, name, number in rows.values_list("id", "template__name", "number"):
                self._versions[pk] = f"{name} v{number}"
        wanted = [pk for pk in jobs if pk is not None and pk not in self._jobs]
        if wanted:
            self._jobs.update(Job.objects.filter(pk__in=wanted).values_list("id", "name"))


def _delivered(ids: Sequence[int]) -> dict[int, datetime.datetime]:
    """When each was reported as delivered first; those without a report are left out."""
    events = MessageEvent.objects.filter(message__in=ids, type=EventType.DELIVERED).order_by()
    return dict(events.values_list("message_id").annotate(first=Min("at")))


class _Line:
    """A file whose writes are handed back by the writer: what csv needs to make one line."""

    def write(self, text: str) -> str:
        return text


def csv_parts(wanted: reports.Wanted) -> Iterator[bytes]:
    """The file (UTF-8 with a mark, for Excel) in parts; memory does not grow with it.

    Raises TooSlow in the middle of it: what was written by then is a part only.
    """
    writer: Any = csv.writer(_Line())
    yield b"\xef\xbb\xbf" + writer.writerow(HEAD).encode()
    names = Names()
    for found in reports.everything(wanted):
        lines = [writer.writerow(_cells(row)) for row in names.rows(found)]
        yield "".join(lines).encode("utf-8", "replace")


def _cells(row: Row) -> Iterable[object]:
    """No cell is one that a spreadsheet would run."""
    return (
        row.id,
        _moment(row.queued_at),
        row.channel,
        escape(row.to),
        escape(row.template),
        escape(row.job),
        row.job_id or "",
        escape(row.provider),
        row.status.label,
        escape(row.error_code),
        escape(row.error_message),
        row.attempts,
        _moment(row.last_attempt_at),
        _moment(row.delivered_at),
    )


def _moment(at: datetime.datetime | None) -> str:
    return "" if at is None else at.isoformat(" ", "seconds")[:19]
