"""Claimed messages as the send loop holds them: the columns that sending needs, and no more.

Making a model instance of each row costs more than rendering it.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from omnichannel.models import (
    ChannelProvider,
    Job,
    Message,
    MessageAttachment,
    TemplateVersion,
)

_SELECT = """
    SELECT id, key, to_address, cc_addresses, bcc_addresses, subject, body_html, body_text,
           category, variables, channel_provider_params, extended_properties, interval_min,
           interval_max, retry_max_attempt, pool_time_retry, attempts, created_at, expires_at,
           starts_at, job_id, template_version_id
    FROM omnichannel_message
"""
_CHOSEN = {
    False: "WHERE id IN (SELECT value FROM json_each(%s)) ORDER BY id",
    True: "WHERE id = ANY(CAST(%s AS bigint[])) ORDER BY id",
}


@dataclass(slots=True)
class Claimed:
    """One row of the message table, with what its rendering needs beside it."""

    pk: int
    key: str
    to_address: str
    cc_addresses: str
    bcc_addresses: str
    subject: str
    body_html: str
    body_text: str
    category: str
    variables: dict[str, Any]
    channel_provider_params: dict[str, Any]
    extended_properties: dict[str, Any]
    interval_min: datetime.time | None
    interval_max: datetime.time | None
    retry_max_attempt: int | None
    pool_time_retry: datetime.timedelta | None
    attempts: int
    created_at: datetime.datetime
    expires_at: datetime.datetime | None
    starts_at: datetime.datetime | None
    provider: ChannelProvider
    job: Job | None = None
    template_version: TemplateVersion | None = None
    files: Sequence[MessageAttachment] = ()

    @property
    def retries_allowed(self) -> int:
        own = self.retry_max_attempt
        return self.provider.retry_max_attempt if own is None else own

    @property
    def retry_wait(self) -> datetime.timedelta:
        own = self.pool_time_retry
        return self.provider.pool_time_retry if own is None else own


# What the flow modules below the send loop are given: a row of the admin's, or a claimed one.
AnyMessage = Message | Claimed


class Loader:
    """Reads claimed rows of one provider; jobs and template versions are read once."""

    def __init__(self, provider: ChannelProvider) -> None:
        self.provider = provider
        self._jobs: dict[int, Job] = {}
        self._versions: dict[int, TemplateVersion] = {}

    def load(self, ids: Sequence[int]) -> list[Claimed]:
        """The messages in the order of their ids, ready to be rendered."""
        rows = _rows(ids)
        self._know({row[-2] for row in rows}, {row[-1] for row in rows})
        files = _files([row[0] for row in rows if self._may_have_files(*row[-2:])])
        return [self._claimed(row, files.get(row[0], ())) for row in rows]

    def _know(self, jobs: set[int | None], versions: set[int | None]) -> None:
        if missing := jobs - self._jobs.keys() - {None}:
            self._jobs.update(Job.objects.in_bulk(missing))
        if missing := versions - self._versions.keys() - {None}:
            found = TemplateVersion.objects.select_related("template").in_bulk(missing)
            self._versions.update(found)

    def _may_have_files(self, job_id: int | None, version_id: int | None) -> bool:
        """A campaign's messages have none: they are not asked for."""
        return version_id is None or job_id is None or self._jobs[job_id].source == Job.API

    def _claimed(self, row: tuple[Any, ...], files: Sequence[MessageAttachment]) -> Claimed:
        job_id, version_id = row[-2:]
        job = None if job_id is None else self._jobs[job_id]
        version = None if version_id is None else self._versions[version_id]
        values = (*row[:-2], self.provider, job, version, files)
        return Claimed(*values)


def _files(ids: Sequence[int]) -> dict[int, list[MessageAttachment]]:
    """The attachments of these messages, by message."""
    found: dict[int, list[MessageAttachment]] = {}
    for row in MessageAttachment.objects.filter(message__in=ids) if ids else ():
        found.setdefault(row.message_id, []).append(row)
    return found


def _rows(ids: Sequence[int]) -> list[tuple[Any, ...]]:
    postgresql = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        cursor.execute(
            _SELECT + _CHOSEN[postgresql], [list(ids) if postgresql else json.dumps(ids)]
        )
        convert = _from_postgresql if postgresql else _from_sqlite
        return [convert(row) for row in cursor.fetchall()]


def _from_postgresql(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (row[0], str(row[1]), *row[2:9], *map(_values, row[9:12]), *row[12:])


def _from_sqlite(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """As Django writes these columns: a UUID as 32 digits, a span in microseconds."""
    key = row[1]
    return (
        row[0],
        f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}",
        *row[2:9],
        *map(_values, row[9:12]),
        *row[12:15],
        None if row[15] is None else datetime.timedelta(microseconds=row[15]),
        row[16],
        *map(_moment, row[17:20]),
        *row[20:],
    )


def _values(text: str) -> dict[str, Any]:
    return {} if text == "{}" else json.loads(text)


def _moment(naive: datetime.datetime | None) -> datetime.datetime | None:
    return None if naive is None else naive.replace(tzinfo=datetime.UTC)
