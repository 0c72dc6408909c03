"""Writing the messages of a run: one `INSERT ... SELECT` per page of audience records.

A page, its place in the audience and its counts are committed together, so that a killed or
doubled worker can neither skip nor repeat a record. A record is read when its page is written:
later edits of it do not reach its message.
"""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, F, Max, Q, QuerySet

from campaigns import message_rows, recipients, side_by_side
from campaigns.choices import CampaignStatus
from campaigns.models import AudienceMember, CampaignRun
from campaigns.pacing import Breather, fitting
from campaigns.side_by_side import Order
from omnichannel import crash, doorbell
from omnichannel.choices import JobStatus
from omnichannel.lifecycle import stop_requested
from omnichannel.models import Job

# PostgreSQL does not make others wait, SQLite does: there a page is what can be written in a
# tenth of a second on the machine as it is.
PAGE = {"postgresql": 20_000, "sqlite": 2_000}
FIRST_PAGE = 500
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
    with side_by_side.only_writer(run.job_id) as is_ours:
        if run.written_at is not None or not is_ours:
            return 0
        constants = message_rows.constants_of(run.job, at)
        # Only now: whoever was writing it before may have got further.
        run.job.refresh_from_db(fields=["cursor", "expanded"])
        before = run.job.expanded

        def cursor() -> int:
            run.job.refresh_from_db(fields=["cursor"])
            return run.job.cursor

        pages = Pages(run, page_size, until)
        side_by_side.write(partial(_write_pages, run, pages, constants), cursor)
        run.job.refresh_from_db(fields=["cursor", "expanded"])
        _finish(run, at)
    return run.job.expanded - before


class Pages:
    """The pages of a run one after the other, as large as the database likes them."""

    def __init__(self, run: CampaignRun, size: int | None, until: float) -> None:
        self.run = run
        self.fixed = size
        # The first page is short: its messages leave while the next is written.
        self.size = size or (PAGE[connection.vendor] if run.job.cursor else FIRST_PAGE)
        self.until = until

    def next(self, first: int) -> Page | None:
        """The page after the record `first`; None at the end or when the time is over."""
        if time.monotonic() >= self.until or stop_requested():
            return None
        return _next_page(self.run, first, self.size)

    def learn(self, held: float) -> None:
        """A page of this size took so many seconds."""
        if self.fixed:
            return
        if connection.vendor == "sqlite":
            self.size = fitting(self.size, held)
        else:
            self.size = min(4 * self.size, PAGE[connection.vendor])


def _write_pages(run: CampaignRun, pages: Pages, constants: dict[str, Any], order: Order) -> None:
    """Write the next page and the next, until there is none or one could not be committed."""
    breather = Breather()
    while (page := order.plan(pages.next)) is not None:
        with breather:
            _write_page(run, page, constants, order)
        pages.learn(breather.held)


def _write_page(run: CampaignRun, page: Page, constants: dict[str, Any], order: Order) -> None:
    """Write one page, unless it is not to be written any more."""
    with order.page(page.last) as may_commit, transaction.atomic():
        members = _members(run, page.first, page.last)
        inserted = message_rows.insert(members, run.job, constants)
        doorbell.ring_for(run.job.category)
        crash.point("expanding")
        # Pages are committed in their order, so that one number tells where to go on.
        if not order.wait_for(page.first) or not _advance(run, page, inserted):
            transaction.set_rollback(True)
            return
        CampaignRun.objects.filter(pk=run.pk).update(
            without_address=F("without_address") + page.blank,
            repeated=F("repeated") + page.records - page.blank - inserted,
        )
        may_commit.set()


def _advance(run: CampaignRun, page: Page, inserted: int) -> bool:
    """Note in the job what was written, unless it was cancelled or somebody else has been here."""
    # No join here: PostgreSQL looks at a changed row again only with the row's own columns.
    mine = Job.objects.filter(
        pk=run.job_id, cursor=page.first, status__in=JobStatus.active()
    ).update(cursor=page.last, expanded=F("expanded") + inserted)
    return bool(mine) and unwritten().filter(pk=run.pk).exists()


def _finish(run: CampaignRun, at: datetime.datetime) -> None:
    """Nothing is left to write: say so, unless the job was cancelled."""
    if _next_page(run, run.job.cursor, 1) is not None:
        return
    with transaction.atomic():
        active = Job.objects.filter(pk=run.job_id, status__in=JobStatus.active())
        if active.update(cursor=F("cursor")) and unwritten().filter(pk=run.pk).exists():
            CampaignRun.objects.filter(pk=run.pk, written_at=None).update(written_at=at)


def _members(run: CampaignRun, first: int, last: int) -> QuerySet[Any]:
    members = AudienceMember.objects.filter(
        audience_id=run.audience_id or 0, id__gt=first, id__lte=last
    )
    return recipients.recipients(
        members,
        column=run.recipient_column,
        channel_type=run.job.channel_type,
        category=run.job.category,
        needs_consent=run.job.needs_consent,
    )


def _next_page(run: CampaignRun, first: int, size: int) -> Page | None:
    members = AudienceMember.objects.filter(
        audience_id=run.audience_id or 0, id__gt=first, id__lte=run.last_member
    ).annotate(to=recipients.address_of(run.recipient_column, run.job.channel_type))
    found = members.order_by("id")[:size].aggregate(
        last=Max("id"), records=Count("id"), blank=Count("id", filter=Q(to=""))
    )
    return Page(first=first, **found) if found["records"] else None
