"""The one statement that writes a page of messages: records in, queue rows out.

Everything is judged in it, once for each record: the form of the address, suppression, consent,
and whether the job has written to the address before.
"""

from __future__ import annotations

import datetime
import itertools
import secrets
import time
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet

from campaigns import recipients
from omnichannel import consents, copies, notices, outbox
from omnichannel.choices import ChannelType, MessageStatus
from omnichannel.models import Job, Message
from omnichannel.screening import SUPPRESSED

UNSENT = (MessageStatus.SUPPRESSED, MessageStatus.FAILED)
# Either keeps the planner from taking the inner query apart, which would judge the address anew
# for each column that depends on it.
FENCE = {"postgresql": "OFFSET 0", "sqlite": "LIMIT -1"}
# Only this is left out: any other conflict is a fault.
ALREADY_THERE = "ON CONFLICT (job_id, to_address) WHERE job_id IS NOT NULL DO NOTHING"
VARIABLES = {
    "postgresql": "variables || jsonb_build_object('email', email, 'phone', phone)",
    "sqlite": "json_set(variables, '$.email', email, '$.phone', phone)",
}
# UUIDs of version 7 (RFC 9562): in the order of time, their index grows at one end only.
KEY = {
    "postgresql": "(%s || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid",
    "sqlite": "%s || substr(lower(hex(randomblob(8))), 2)",
}


def insert(members: QuerySet[Any], job: Job, constants: dict[str, Any]) -> int:
    """Write a message for each of the `recipients.recipients` that has an address.

    `constants` are the job's. An address met before in the job is left out. Answers how many were
    written.
    """
    inner, inner_values = (
        members.order_by("id")
        .values_list("id", "email", "phone", "variables", "to", "fate")
        .query.sql_with_params()
    )
    computed, values = _computed(job)
    for column, copied in _copied(job, constants).items():
        computed[column] = copied.sql
        values += copied.values
    constants = {name: value for name, value in constants.items() if name not in computed}
    columns = ", ".join(connection.ops.quote_name(name) for name in (*computed, *constants))
    selected = ", ".join((*computed.values(), *["%s"] * len(constants)))
    table = connection.ops.quote_name(Message._meta.db_table)
    source = ("SELECT", selected, "FROM (", inner, FENCE[connection.vendor], ") AS page")
    statement = ("INSERT INTO", table, "(", columns, ")", *source, "WHERE fate <> %s")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Compiling the statement takes longer than running it for a page.
            cursor.execute("SET LOCAL jit = off")
        parameters = [*values, *constants.values(), *inner_values, recipients.BLANK]
        if not notices.is_wanted(*UNSENT):
            cursor.execute(" ".join((*statement, ALREADY_THERE)), parameters)
            return cursor.rowcount
        cursor.execute(" ".join((*statement, ALREADY_THERE, "RETURNING id, status")), parameters)
        written = cursor.fetchall()
    _tell(written, constants["created_at"])
    return len(written)


def _tell(written: list[tuple[int, str]], created: Any) -> None:
    """Some messages end as they begin. `created` is a moment as the database has it."""
    at = created
    if isinstance(created, str):
        at = datetime.datetime.fromisoformat(created).replace(tzinfo=datetime.UTC)
    for status in UNSENT:
        notices.keep(status, [pk for pk, found in written if found == status], at=at)


def _computed(job: Job) -> tuple[dict[str, str], list[str]]:
    """The columns that differ from record to record, and the values in them, in order."""
    failed, suppressed = MessageStatus.FAILED.value, MessageStatus.SUPPRESSED.value
    bad = recipients.ADDRESS_ERRORS[ChannelType(job.channel_type)]
    columns = {
        "key": KEY[connection.vendor],
        "to_address": '"to"',
        "status": "CASE fate WHEN %s THEN %s ELSE fate END",
        "variables": VARIABLES[connection.vendor],
        "error_code": "CASE fate WHEN %s THEN %s ELSE '' END",
        "error_message": f"CASE fate {3 * 'WHEN %s THEN %s '} ELSE '' END",
    }
    unconsented = recipients.UNCONSENTED
    reasons = {failed: bad, suppressed: SUPPRESSED, unconsented: consents.NONE_ON_RECORD}
    return columns, [
        _key_head(),
        *(unconsented, suppressed),
        *(failed, recipients.ADDRESS_ERROR),
        *itertools.chain(*reasons.items()),
    ]


class Copied(NamedTuple):
    sql: str
    values: list[str]


# Up to so many addresses, by semicolons or commas; what has another form is left out.
_CHARACTERS = r"[^@\s<>,;\"\[\]{}]+"
_ADDRESS = rf"{_CHARACTERS}@{_CHARACTERS}\.{_CHARACTERS}"
HELD = rf"^\s*{_ADDRESS}(\s*[;,]\s*{_ADDRESS}){{0,{copies.MAX_OF_KEY - 1}}}\s*$"
LONGEST_HELD = 2_000  # characters
VALUE = {
    "postgresql": "coalesce(variables ->> %s, '')",
    "sqlite": "coalesce(json_extract(variables, '$.' || %s), '')",
}
MATCHES = {"postgresql": "~", "sqlite": "REGEXP"}


def _copied(job: Job, constants: dict[str, Any]) -> dict[str, Copied]:
    """The copies that each record names itself, behind those that all messages have."""
    version = job.template_version
    keys = {"cc_addresses": version.cc_key, "bcc_addresses": version.bcc_key} if version else {}
    found = {}
    for column, key in keys.items():
        if not key or "." in key:
            continue
        is_own = key in recipients.OWN_COLUMNS
        held, names = (key, []) if is_own else (VALUE[connection.vendor], [key])
        fixed = constants[column]
        found[column] = Copied(
            f"CASE WHEN length({held}) <= {LONGEST_HELD} AND {held} {MATCHES[connection.vendor]} %s"
            f' AND lower(trim({held})) <> lower("to")'
            f" THEN %s || replace({held}, ',', ';') ELSE %s END",
            [*names, *names, HELD, *names, f"{fixed}; " if fixed else "", *names, fixed],
        )
    return found


def _key_head() -> str:
    """The part of the keys that is the same for a page: its time, and on SQLite some chance."""
    head = f"{time.time_ns() // 1_000_000:012x}7"
    return head if connection.vendor == "postgresql" else f"{head}{secrets.token_hex(2)[1:]}8"


def constants_of(job: Job, at: datetime.datetime) -> dict[str, Any]:
    """Every column that is the same for the whole job and is not NULL."""
    version = job.template_version
    added = copies.of(version, {}, to="") if version else copies.Copies("", "")
    message = Message(
        job=job,
        lane=job.lanes.get(),
        provider=job.provider,
        category=job.category,
        priority=job.priority,
        template_version_id=job.template_version_id,
        cc_addresses=added.cc,
        bcc_addresses=added.bcc,
        created_at=at,
        expires_at=outbox.expiry(job.ends_at, job.provider, at),
    )
    own = ("id", "key", "to_address", "status", "variables", "error_code", "error_message")
    values = {
        str(field.column): field.get_db_prep_save(field.pre_save(message, add=True), connection)
        for field in Message._meta.concrete_fields
        if field.name not in own
    }
    return {column: value for column, value in values.items() if value is not None}
