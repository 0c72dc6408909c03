"""The communication report: messages by filter, newest first, a page at a time.

Nothing here counts the table, and no filter has to be served by an index of its own: what has one
is looked up, the rest is found by a walk along the primary key that ends when its time is up and
says how far it came (`report_walk`).
"""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from django.db import OperationalError, connection, transaction

from omnichannel import report_walk
from omnichannel.addresses import clean_email, clean_phone
from omnichannel.choices import MessageStatus
from omnichannel.exceptions import InvalidMessage, TooSlow
from omnichannel.models import ChannelProvider, Job, Message, TemplateVersion
from omnichannel.retention import first_id_from

PAGE = 50
PAGE_SECONDS = 0.4  # a page's walk begins no further window after this
STATEMENT_SECONDS = 5
# A message's `created_at` may be so far from the moment its row was written: a tick that took long,
# a clock that was wrong, a message written for an earlier moment.
PAD = datetime.timedelta(days=1)
GROUPS: dict[str, tuple[MessageStatus, ...]] = {
    "success": (MessageStatus.SENT, MessageStatus.DELIVERED),
    "error": (MessageStatus.FAILED, MessageStatus.ERROR, MessageStatus.UNCERTAIN),
    "waiting": (MessageStatus.NEW, MessageStatus.SCHEDULED, MessageStatus.SENDING),
    "suppressed": (MessageStatus.SUPPRESSED, MessageStatus.CANCELLED, MessageStatus.EXPIRED),
}
QUERY_CANCELED = "57014"  # PostgreSQL's word for a statement that took too long


@dataclass(frozen=True)
class Wanted:
    """What is looked for; what is empty is not asked for."""

    channel_type: str = ""
    address: str = ""  # one whole address, as people type it
    statuses: tuple[str, ...] = ()
    since: datetime.datetime | None = None  # by `created_at`, inclusive
    until: datetime.datetime | None = None  # exclusive
    template: int | None = None
    job: int | None = None
    source: str = ""  # of the job; with `reference`, all jobs of one campaign
    reference: str = ""
    provider: int | None = None
    channel: int | None = None
    category: str = ""
    error_code: str = ""


class Cursor(NamedTuple):
    """Where a page begins: below the id, or above it (then the page is the one before)."""

    id: int
    is_newer: bool = False


@dataclass(frozen=True)
class Page:
    """`older` and `newer` are the ids that the pages beside it begin at, None where there is none.

    `searched_to`: the time was up before the page was full; the search goes on from this id.
    """

    rows: list[tuple[Any, ...]]
    older: int | None = None
    newer: int | None = None
    searched_to: int | None = None


def page(
    wanted: Wanted,
    cursor: Cursor | None = None,
    *,
    seconds: float = PAGE_SECONDS,
    size: int | None = None,
) -> Page:
    """Rows are tuples of `report_walk.FIELDS`. Raises TooSlow when the database gave up."""
    until = time.monotonic() + seconds
    size = size or PAGE
    with bounded(STATEMENT_SECONDS):
        plan = plan_of(wanted)
        if plan is None:
            return Page([])
        if cursor and cursor.is_newer:
            found = _page_above(plan, cursor.id, until, size)
            return found or _page_below(plan, None, until, size)
        return _page_below(plan, cursor.id if cursor else None, until, size)


def _page_below(plan: report_walk.Plan, below: int | None, until: float, size: int) -> Page:
    if below is not None:
        plan = replace(plan, high=min(plan.high, below))
    walked = report_walk.walk(plan, limit=size + 1, until=until)
    rows = walked.rows[:size]
    has_more = len(walked.rows) > size
    return Page(
        rows,
        older=rows[-1][0] if has_more else None,
        newer=(rows[0][0] if rows else below - 1) if below is not None else None,
        searched_to=None if has_more else walked.reached,
    )


def _page_above(plan: report_walk.Plan, above: int, until: float, size: int) -> Page | None:
    """None when it would not be full: then the newest page is what is before."""
    plan = replace(plan, low=max(plan.low, above + 1))
    walked = report_walk.walk(plan, limit=size + 1, until=until, is_upward=True)
    rows = walked.rows[:size][::-1]
    if len(rows) < size and walked.reached is None:
        return None
    newer = rows[0][0] if len(walked.rows) > size else walked.reached
    return Page(rows, older=rows[-1][0] if rows else above + 1, newer=newer)


def everything(wanted: Wanted, *, size: int = 2_000) -> Iterator[list[tuple[Any, ...]]]:
    """All rows in lists of up to `size`, newest first, of the messages there are by now.

    Each list is a statement of its own: no transaction stays open however long the reader takes.
    """
    with bounded(STATEMENT_SECONDS * 6):
        plan = plan_of(wanted)
    while plan is not None and plan.low < plan.high:
        with bounded(STATEMENT_SECONDS * 6):
            walked = report_walk.walk(plan, limit=size, until=time.monotonic() + 1)
        if walked.rows:
            yield walked.rows
        if walked.reached is None and len(walked.rows) < size:
            return
        high = walked.rows[-1][0] if len(walked.rows) == size else walked.reached
        plan = replace(plan, high=high or 0)


def plan_of(wanted: Wanted) -> report_walk.Plan | None:
    """How to find them; None when there can be none."""
    jobs = _jobs(wanted)
    versions = None
    if wanted.template is not None:
        chosen = TemplateVersion.objects.filter(template=wanted.template)
        versions = tuple(chosen.values_list("id", flat=True))
    providers = _providers(wanted)
    if jobs == () or versions == () or providers == ():
        return None
    low, high = _ids(wanted, jobs)
    return report_walk.plan(
        report_walk.Conditions(
            addresses=tuple(sorted(forms_of(wanted.address))) if wanted.address else None,
            statuses=wanted.statuses or None,
            jobs=jobs,
            versions=versions,
            providers=providers,
            channel=wanted.channel,
            category=wanted.category,
            error_code=wanted.error_code,
            since=wanted.since,
            until=wanted.until,
        ),
        low,
        high,
    )


def _jobs(wanted: Wanted) -> tuple[int, ...] | None:
    chosen = Job.objects.order_by()
    if wanted.reference:
        chosen = chosen.filter(source=wanted.source, reference=wanted.reference)
        if wanted.job is not None:
            chosen = chosen.filter(pk=wanted.job)
        return tuple(chosen.values_list("id", flat=True))
    return None if wanted.job is None else (wanted.job,)


def _providers(wanted: Wanted) -> tuple[int, ...] | None:
    if not wanted.channel_type and wanted.provider is None:
        return None
    chosen = ChannelProvider.objects.order_by()
    if wanted.channel_type:
        chosen = chosen.filter(channel_type=wanted.channel_type)
    if wanted.provider is not None:
        chosen = chosen.filter(pk=wanted.provider)
    return tuple(chosen.values_list("id", flat=True))


def _ids(wanted: Wanted, jobs: tuple[int, ...] | None) -> tuple[int, int]:
    """All that is wanted has an id from the first up to, not including, the second."""
    since, until = wanted.since, wanted.until
    if jobs is not None:
        spans = Job.objects.filter(pk__in=jobs).values_list("created_at", "finished_at")
        begun, ended = zip(*spans, strict=True) if spans else ((), ())
        since = max(filter(None, (since, min(begun, default=None))), default=None)
        if None not in ended:
            until = min(filter(None, (until, max(ended, default=None))), default=None)
    newest = Message.objects.order_by("-id").values_list("id", flat=True).first() or 0
    low = first_id_from(since - PAD) if since else 0
    high = first_id_from(until + PAD) if until else newest + 1
    return low, high


def forms_of(text: str) -> set[str]:
    """The forms in which an address may be stored that somebody typed."""
    text = text.strip()
    found = {text, text.lower()}
    digits = "".join(char for char in text if char.isdigit())
    for clean, typed in ((clean_email, text), (clean_phone, text), (clean_phone, f"+{digits}")):
        if ("@" in text) == (clean is clean_email):
            with contextlib.suppress(InvalidMessage):
                found.add(clean(typed))
    return found


@contextlib.contextmanager
def bounded(seconds: int, *, by_index: bool = True) -> Iterator[None]:
    """No statement takes longer; `by_index`: none reads a whole table where an index leads.

    On SQLite, which knows no limit, the walk's windows are the bound. Raises TooSlow.
    """
    if connection.vendor != "postgresql":
        yield
        return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL jit = off")
            cursor.execute(f"SET LOCAL enable_seqscan = {'off' if by_index else 'on'}")
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{seconds}s"])
            yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != QUERY_CANCELED:
            raise
        raise TooSlow(
            "The search took too long and was stopped. Choose a shorter time, or add a filter."
        ) from error


__all__ = ["GROUPS", "Cursor", "Page", "Wanted", "everything", "forms_of", "page"]
