"""Writing the messages of a run: one `INSERT ... SELECT` per page of audience records.

A page, its place in the audience and its counts are committed together, so that a killed or
doubled worker can neither skip nor repeat a record. A record is read when its page is written:
later edits of it do not reach its message.
"""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import (
    Case,
    Count,
    Expression,
    F,
    Func,
    Max,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)

from campaigns import recipients
from campaigns.choices import CampaignStatus
from campaigns.models import AudienceMember, CampaignRun
from omnichannel import crash, doorbell, outbox
from omnichannel.choices import ChannelType, JobStatus, MessageStatus
from omnichannel.lifecycle import stop_requested
from omnichannel.models import Job, Message

# PostgreSQL does not make others wait, SQLite does: there a page is small, and after it comes a
# pause long enough for a waiting writer, who looks every 100 ms at the latest, to get its turn.
PAGE = {"postgresql": 20_000, "sqlite": 6_000}
LONGEST_PAUSE = 0.11  # seconds
MINIMUM_SHARE = 0.5  # seconds


@dataclass(frozen=True)
class Page:
    """A range of records: after `first`, up to and with `last`."""

    first: int
    last: int
    records: int
    blank: int  # without an address


def expand_due(*, at: datetime.datetime, until: float) -> int:
    """Go on with every run that is not written yet, a share of the time for each in turn."""
    runs = unwritten().filter(job__status__in=JobStatus.active())
    waiting = list(runs.select_related("job").order_by("job__priority", "id"))
    written = 0
    for position, run in enumerate(waiting):
        share = (until - time.monotonic()) / (len(waiting) - position)
        written += expand(run.job, at=at, until=time.monotonic() + max(share, MINIMUM_SHARE))
    return written


def unwritten() -> QuerySet[CampaignRun]:
    """Runs that still need messages."""
    runs = CampaignRun.objects.filter(written_at=None)
    return runs.exclude(campaign__status=CampaignStatus.CANCELLED)


def reads_from(audience_id: int) -> bool:
    """Are messages being written from this audience right now?"""
    runs = unwritten().filter(audience_id=audience_id, job__status__in=JobStatus.active())
    return runs.exists()


def expand(job: Job, *, at: datetime.datetime, until: float, page_size: int | None = None) -> int:
    """Write messages of a job until all are written or `until` (monotonic) has come.

    Answers how many were written. Stops by itself when the job is cancelled or when another
    worker is writing the same job.
    """
    run = CampaignRun.objects.select_related("job__provider").get(job=job)
    size = page_size or PAGE[connection.vendor]
    written = 0
    while run.written_at is None and time.monotonic() < until and not stop_requested():
        began = time.monotonic()
        count = _write_page(run, size, at)
        if count is None:
            break
        written += count
        if connection.vendor == "sqlite":
            time.sleep(min(time.monotonic() - began, LONGEST_PAUSE))
    return written


def _write_page(run: CampaignRun, size: int, at: datetime.datetime) -> int | None:
    """Write one page; None when there is nothing left to do here."""
    job = run.job
    with transaction.atomic():
        page = _next_page(run, size)
        # No join here: PostgreSQL looks at a changed row again only with the row's own columns.
        mine = Job.objects.filter(
            pk=job.pk, cursor=job.cursor, status__in=JobStatus.active()
        ).update(cursor=page.last if page else job.cursor)
        if not mine or not unwritten().filter(pk=run.pk).exists():
            transaction.set_rollback(True)
            return None
        if page is None:
            CampaignRun.objects.filter(pk=run.pk, written_at=None).update(written_at=at)
            return None
        inserted = _insert(run, page, at)
        doorbell.ring_for(job.category)
        crash.point("expanding")
        Job.objects.filter(pk=job.pk).update(expanded=F("expanded") + inserted)
        CampaignRun.objects.filter(pk=run.pk).update(
            without_address=F("without_address") + page.blank,
            repeated=F("repeated") + page.records - page.blank - inserted,
        )
    job.cursor = page.last
    return inserted


def _members(run: CampaignRun, first: int, last: int) -> QuerySet[Any]:
    members = AudienceMember.objects.filter(
        audience_id=run.audience_id or 0, id__gt=first, id__lte=last
    )
    return recipients.recipients(
        members,
        column=run.recipient_column,
        channel_type=run.job.channel_type,
        category=run.job.category,
    )


def _next_page(run: CampaignRun, size: int) -> Page | None:
    first = run.job.cursor
    members = AudienceMember.objects.filter(
        audience_id=run.audience_id or 0, id__gt=first, id__lte=run.last_member
    ).annotate(to=recipients.address_of(run.recipient_column, run.job.channel_type))
    found = members.order_by("id")[:size].aggregate(
        last=Max("id"), records=Count("id"), blank=Count("id", filter=Q(to=""))
    )
    return Page(first=first, **found) if found["records"] else None


def _insert(run: CampaignRun, page: Page, at: datetime.datetime) -> int:
    """One statement for the whole page. An address met before in the job is left out."""
    values = {**_constants(run, at), **_computed(run)}
    names = {column: f"insert_{column}" for column in values}
    rows = (
        _members(run, page.first, page.last)
        .exclude(to="")
        .annotate(**{names[column]: value for column, value in values.items()})
        .order_by("id")
        .values_list(*names.values())
    )
    select, params = rows.query.sql_with_params()
    quote = connection.ops.quote_name
    columns = ", ".join(quote(column) for column in values)
    table = quote(Message._meta.db_table)
    statement = ("INSERT INTO", table, "(", columns, ")", select, "ON CONFLICT DO NOTHING")
    with connection.cursor() as cursor:
        cursor.execute(" ".join(statement), params)
        return cursor.rowcount


def _constants(run: CampaignRun, at: datetime.datetime) -> dict[str, Expression]:
    """Every column of a message that is the same for the whole job."""
    job = run.job
    message = Message(
        job=job,
        lane=job.lanes.get(),
        provider=job.provider,
        category=job.category,
        priority=job.priority,
        template_version_id=job.template_version_id,
        created_at=at,
        expires_at=outbox.expiry(job.ends_at, job.provider, at),
    )
    return {
        str(field.column): Value(field.pre_save(message, add=True), output_field=field)
        for field in Message._meta.concrete_fields
        if not field.primary_key
    }


def _computed(run: CampaignRun) -> dict[str, Expression]:
    """The columns of a message that differ from record to record."""
    is_bad = Q(fate=MessageStatus.FAILED.value)
    is_suppressed = Q(fate=MessageStatus.SUPPRESSED.value)
    bad = Value(recipients.ADDRESS_ERRORS[ChannelType(run.job.channel_type)])
    suppressed = Value("The address is on the suppression list.")
    return {
        "key": _new_key(),
        "to_address": _as_is("to"),
        "status": _as_is("fate"),
        "variables": _variables(),
        "error_code": Case(When(is_bad, then=Value(recipients.ADDRESS_ERROR)), default=Value("")),
        "error_message": Case(
            When(is_bad, then=bad), When(is_suppressed, then=suppressed), default=Value("")
        ),
    }


def _as_is(name: str) -> Expression:
    return Func(F(name), template="%(expressions)s")


def _new_key() -> Expression:
    """A UUID of version 7 (RFC 9562): in the order of time, its index grows at one end only."""
    stamp = Value(f"{time.time_ns() // 1_000_000:012x}7")
    if connection.vendor == "postgresql":
        template = (
            "(%(expressions)s || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid"
        )
    else:
        template = (
            "%(expressions)s || substr(lower(hex(randomblob(2))), 2) || '8' || "
            "substr(lower(hex(randomblob(8))), 2)"
        )
    return Func(stamp, template=template, output_field=TextField())


def _variables() -> Expression:
    """The record's variables, with its e-mail address and phone number among them."""
    own = (Value("email"), F("email"), Value("phone"), F("phone"))
    if connection.vendor == "postgresql":
        both = Func(*own, function="jsonb_build_object", output_field=TextField())
        return Func(
            F("variables"),
            both,
            template="%(expressions)s",
            arg_joiner=" || ",
            output_field=TextField(),
        )
    paths = (Value("$.email"), F("email"), Value("$.phone"), F("phone"))
    return Func(F("variables"), *paths, function="json_set", output_field=TextField())
