"""A month of messages of a busy Studio: campaigns, single messages, all that can happen to them."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Field

from omnichannel.choices import Category, ChannelType, JobStatus
from omnichannel.models import (
    ChannelProvider,
    Job,
    Lane,
    Message,
    MessageTemplate,
    TemplateVersion,
)

CHUNK = 50_000
JOBS = 10  # blocks of the table; every fifth message in them is of no job
DAYS = 30
RARE_CODE = "R-42"
BUSY_ADDRESS = "monitor@example.com"
# Of a thousand messages; what is left is New.
SHARES = (
    ("delivered", 690),
    ("sent", 240),
    ("failed", 30),
    ("suppressed", 15),
    ("uncertain", 5),
    ("error", 5),
    ("expired", 5),
    ("cancelled", 5),
    ("scheduled", 3),
)
_NUMBERS = {
    "postgresql": "SELECT generate_series(%s::bigint, %s::bigint) AS number",
    "sqlite": """
        WITH RECURSIVE numbers (number) AS (
            SELECT %s UNION ALL SELECT number + 1 FROM numbers WHERE number < %s
        ) SELECT number FROM numbers
    """,
}
_DRAWN = "(number * 7919 %% 1000)"  # 0 to 999, the same for the same number
_EVENT = {
    "postgresql": "at + (m.id %% 90) * interval '1 minute'",
    "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', at, '+' || (m.id %% 90) || ' minutes')",
}
# (type, share of a thousand messages, link number)
EVENTS = (("sent", 960, ""), ("delivered", 690, ""), ("opened", 250, ""), ("clicked", 60, "3"))


@dataclass(frozen=True)
class Mix:
    """What there is to ask for."""

    n: int
    begin: datetime.datetime
    jobs: list[Job] = field(default_factory=list)
    versions: list[TemplateVersion] = field(default_factory=list)
    providers: list[ChannelProvider] = field(default_factory=list)

    @property
    def end(self) -> datetime.datetime:
        return self.begin + datetime.timedelta(days=DAYS)


def write_mix(n: int, *, end: datetime.datetime, events: tuple[Any, ...] = EVENTS) -> Mix:
    """`n` messages, the last written at `end`, with their events."""
    mix = Mix(n, end - datetime.timedelta(days=DAYS))
    kinds = (ChannelType.EMAIL, ChannelType.EMAIL, ChannelType.SMS)
    for number, kind in enumerate(kinds):
        provider = ChannelProvider.objects.create(
            name=f"Mix {number}", backend="sandbox", channel_type=kind
        )
        template = MessageTemplate.objects.create(name=f"Mix {number}", channel_type=kind)
        mix.providers.append(provider)
        mix.versions.append(TemplateVersion.objects.create(template=template, number=1))
    for number in range(JOBS):
        mix.jobs.append(_job(mix, number))
    statement, constants = _insert(mix)
    for start in range(0, n, CHUNK):
        with connection.cursor() as cursor:
            cursor.execute(statement, [*constants, start, min(start + CHUNK, n) - 1])
    _write_events(events)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    return mix


def _job(mix: Mix, number: int) -> Job:
    each = datetime.timedelta(days=DAYS) / JOBS
    return Job.objects.create(
        name=f"Mix {number}",
        source="campaign",
        reference=str(number + 1),
        status=JobStatus.FINISHED,
        channel_type=ChannelType.EMAIL,
        category=Category.PROMOTIONAL,
        provider=mix.providers[number % 2],
        template_version=mix.versions[number % 2],
        created_at=mix.begin + number * each,
        started_at=mix.begin + number * each,
        finished_at=mix.begin + (number + 1) * each,
        expected=mix.n * 4 // 5 // JOBS,
        expanded=mix.n * 4 // 5 // JOBS,
    )


def _insert(mix: Mix) -> tuple[str, list[Any]]:
    """One statement, and its values but for the first and the last number."""
    lane = Lane.objects.create(provider=mix.providers[0], category=Category.PROMOTIONAL)
    example = Message(lane=lane, provider=mix.providers[0], created_at=mix.begin, to_address="-")
    computed = _columns(mix)
    fields = [column for column in Message._meta.concrete_fields if not column.primary_key]
    columns = ", ".join(connection.ops.quote_name(str(column.column)) for column in fields)
    values = ", ".join(computed.get(column.name, _typed(column)) for column in fields)
    constants = [
        column.get_db_prep_save(column.pre_save(example, add=True), connection)
        for column in fields
        if column.name not in computed
    ]
    table = connection.ops.quote_name(Message._meta.db_table)
    numbers = _NUMBERS[connection.vendor]
    words = ("INSERT INTO", table, "(", columns, ") SELECT", values, "FROM (", numbers, ") AS n")
    return " ".join(words), constants


def _columns(mix: Mix) -> dict[str, str]:
    postgresql = connection.vendor == "postgresql"
    block = f"(number * {JOBS} / {mix.n})"
    first = [row.pk for row in (mix.jobs[0], mix.versions[0], mix.providers[0])]
    step = 86_400.0 * DAYS / mix.n
    begin = mix.begin.timestamp()
    of_job = "number %% 5 <> 0"
    sms = "number %% 5 = 0 AND number %% 3 = 0"
    bad = "status_ IN ('failed', 'error', 'uncertain')".replace("status_", _status())
    local = "lpad(number::text, 9, '0')" if postgresql else "printf('%%09d', number)"
    domain = "CASE number %% 7 WHEN 0 THEN 'example.net' WHEN 1 THEN 'example.org' ELSE "
    domain += "'example.com' END"
    busy = f"WHEN number %% 50 = 0 THEN '{BUSY_ADDRESS}'"
    code = f"CASE WHEN number %% {max(1, mix.n // 10)} = 7 THEN '{RARE_CODE}' WHEN {bad} THEN "
    code += "CASE number %% 3 WHEN 0 THEN '550' WHEN 1 THEN '421' ELSE '5.1.1' END ELSE '' END"
    return {
        "key": "lpad(to_hex(number), 32, '0')::uuid" if postgresql else "printf('%%032x', number)",
        "to_address": f"CASE {busy} WHEN {sms} THEN '+1202' || {local} "
        f"ELSE 'person' || {local} || '@' || {domain} END",
        "status": _status(),
        "job": f"CASE WHEN {of_job} THEN {first[0]} + {block} END",
        "template_version": f"CASE WHEN {of_job} THEN {first[1]} + {block} %% 2 END",
        "provider": f"CASE WHEN {sms} THEN {first[2]} + 2 ELSE {first[2]} + {block} %% 2 END",
        "category": f"CASE WHEN {of_job} THEN 'promotional' ELSE 'transactional' END",
        "error_code": code,
        "error_message": f"CASE WHEN {bad} THEN 'The mailbox said no.' ELSE '' END",
        "created_at": f"to_timestamp({begin} + number * {step})"
        if postgresql
        else f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', {begin} + number * {step}, 'unixepoch')",
    }


def _status() -> str:
    limit, cases = 0, []
    for status, share in SHARES:
        limit += share
        cases.append(f"WHEN {_DRAWN} < {limit} THEN '{status}'")
    return f"(CASE {' '.join(cases)} ELSE 'new' END)"


def _write_events(events: tuple[Any, ...]) -> None:
    at = _EVENT[connection.vendor].replace("at", "m.created_at", 1)
    if connection.vendor == "sqlite":
        at = _EVENT["sqlite"].replace(" at,", " m.created_at,")
    source = "SELECT m.id, m.provider_id, %s, " + at + ", '', '', %s, '', %s, m.id %% 11 = 0"
    where = "FROM omnichannel_message AS m WHERE m.id * 7919 %% 1000 < %s"
    columns = "message_id, provider_id, type, at, event_id, status, code, description, url"
    for kind, share, link in events:
        url = f"https://example.com/{link}" if link else ""
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO omnichannel_messageevent ({columns}, is_machine) {source} {where}",
                [kind, link, url, share],
            )


def _typed(column: Field[object, object]) -> str:
    """PostgreSQL does not guess the type of a value that is only selected."""
    if connection.vendor != "postgresql":
        return "%s"
    return f"CAST(%s AS {column.cast_db_type(connection)})"
