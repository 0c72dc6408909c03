"""What runs of a campaign came to: figures derived from messages and their events by set.

Nothing is counted along: a figure is a query over the rows, kept for some seconds. What retention
has deleted is known by status only (`Job.purged_counts`); the report says what it does not know.
"""

from __future__ import annotations

import datetime
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache
from django.db.models import CharField, Count, Exists, F, Func, OuterRef, QuerySet, Value

from campaigns import progress, report_links, report_time
from campaigns.models import Campaign, CampaignRun
from omnichannel import retention
from omnichannel.choices import ChannelType, EventType, JobStatus, MessageStatus
from omnichannel.models import Job, Message, MessageEvent
from omnichannel.reports import bounded

RUNS = 50  # the latest of a campaign, which are offered and added up
TOP = 20  # domains and codes that are named; the others are one line
RUNNING_SECONDS = 10
ENDED_SECONDS = 120
KEPT_SECONDS = 3_600
BIG = 200_000  # messages; what is bigger is counted a fifth as often
STATEMENT_SECONDS = 60
BY_MACHINE = "_by_machine"
# What is counted by messages. Of sending itself, statuses tell.
REACHED = (
    EventType.OPENED,
    EventType.CLICKED,
    EventType.BOUNCED,
    EventType.COMPLAINED,
    EventType.UNSUBSCRIBED,
)
# A message with one of these was taken by its provider, whatever became of it then.
HANDED_OVER = (EventType.SENT, EventType.DELIVERED)


@dataclass(frozen=True)
class Failure:
    code: str
    reason: str  # what the provider's table says, else nothing
    number: int


@dataclass
class Domain:
    """The messages to one domain; opened, clicked and bounced are messages, too."""

    name: str
    recipients: int = 0
    sent: int = 0  # the provider has it, and has not taken it back
    failed: int = 0
    reached: Counter[str] = field(default_factory=Counter)

    def add(self, other: Domain) -> None:
        self.recipients += other.recipients
        self.sent += other.sent
        self.failed += other.failed
        self.reached.update(other.reached)


@dataclass(frozen=True)
class Report:
    """`reached` counts messages by what happened to them at least once: one of REACHED, with
    "_by_machine" behind it where a machine did it.
    """

    by_status: dict[str, int]
    unwritten: int  # recipients whose message is not written yet
    purged: int  # messages that retention has deleted
    has_all_events: bool  # False: some are so old that they may be deleted
    sent: int  # taken by the provider, those that failed later included
    reached: dict[str, int]
    failures: tuple[Failure, ...]
    links: tuple[report_links.Link, ...]
    domains: tuple[Domain, ...]
    other_domains: Domain | None
    series: report_time.Series
    made_at: datetime.datetime

    def of(self, *statuses: str) -> int:
        return sum(self.by_status.get(status, 0) for status in statuses)

    @property
    def recipients(self) -> int:
        return sum(self.by_status.values()) + self.unwritten

    @property
    def all_domains(self) -> list[Domain]:
        """Those that are named, then all others as one."""
        return [*self.domains, *([self.other_domains] if self.other_domains else [])]

    @property
    def is_whole(self) -> bool:
        return not self.purged and self.has_all_events


def runs_of(campaign: Campaign) -> list[CampaignRun]:
    """Its latest runs, latest first."""
    runs = campaign.runs.select_related("job__template_version").order_by("-id")
    return list(runs.defer("job__context")[:RUNS])


def recent(runs: Sequence[CampaignRun], at: datetime.datetime) -> Report:
    """The same, made anew when it is older than some seconds, or minutes once the runs are over.

    While one reader has it counted anew, the others are shown what there was.
    """
    key = "report:" + ",".join(f"{run.pk}{run.job.status[:2]}" for run in runs)[:200]
    kept: Report | None = cache.get(key)
    if kept and (at - kept.made_at).total_seconds() < _seconds(runs):
        return kept
    is_mine = cache.add(f"{key}:counting", True, STATEMENT_SECONDS)
    if kept and not is_mine:
        return kept
    try:
        found = of(runs, at)
    finally:
        if is_mine:
            cache.delete(f"{key}:counting")
    cache.set(key, found, KEPT_SECONDS)
    return found


def _seconds(runs: Sequence[CampaignRun]) -> int:
    """How long a report of these is shown before it is counted anew."""
    is_running = any(run.job.status in JobStatus.active() for run in runs)
    seconds = RUNNING_SECONDS if is_running else ENDED_SECONDS
    return 5 * seconds if sum(run.job.expanded for run in runs) > BIG else seconds


def of(
    runs: Sequence[CampaignRun], at: datetime.datetime, *, seconds: int = STATEMENT_SECONDS
) -> Report:
    """Counted afresh, over all the runs together. Raises TooSlow when the database gave up."""
    with bounded(seconds, by_index=False):
        return _counted(runs, at)


def _counted(runs: Sequence[CampaignRun], at: datetime.datetime) -> Report:
    jobs = [run.job for run in runs]
    ids = [job.pk for job in jobs]
    is_email = any(job.channel_type == ChannelType.EMAIL for job in jobs)
    figures = [progress.figures(run) for run in runs]
    by_status: Counter[str] = Counter()
    for found in figures:
        by_status.update(found.by_status)
    domains, rest = _domains(ids, is_email=is_email)
    reached = _reached(ids, domains, rest, is_email=is_email)
    limit = retention.limits(at).events
    return Report(
        by_status=dict(by_status),
        unwritten=sum(found.unwritten for found in figures),
        purged=sum(job.purged for job in Job.objects.filter(pk__in=ids).only("purged_counts")),
        has_all_events=limit is None or all(job.created_at >= limit for job in jobs),
        sent=sum(found.taken for found in figures) + _failed_later(ids),
        reached=dict(reached),
        failures=_failures(ids),
        links=report_links.of(jobs),
        domains=tuple(domains),
        other_domains=rest if rest.recipients and is_email else None,
        series=report_time.series(_events(ids)),
        made_at=at,
    )


def _messages(jobs: list[int]) -> QuerySet[Message]:
    return Message.objects.filter(job__in=jobs).order_by()


def _events(jobs: list[int]) -> QuerySet[MessageEvent]:
    return MessageEvent.objects.filter(message__job__in=jobs).order_by()


def _failed_later(jobs: list[int]) -> int:
    taken = MessageEvent.objects.filter(message=OuterRef("pk"), type__in=HANDED_OVER)
    return _messages(jobs).filter(Exists(taken), status=MessageStatus.FAILED).count()


def _failures(jobs: list[int]) -> tuple[Failure, ...]:
    """The most frequent codes, and a line for all others."""
    failed = _messages(jobs).filter(status=MessageStatus.FAILED)
    rows = failed.values_list("error_code", "provider_status__reason")
    counted = rows.annotate(number=Count("id")).order_by("-number", "error_code")
    found = [Failure(code, reason or "", number) for code, reason, number in counted[:TOP]]
    if len(found) == TOP:
        others = failed.count() - sum(failure.number for failure in found)
        found += [Failure("", "Other codes", others)] if others > 0 else []
    return tuple(found)


class DomainOf(Func):
    """What follows the last @ of an address, in lower case.

    Only a quoted local part may hold another @: nearly all are cut at the first one, which costs
    a fifth.
    """

    template = (
        "lower(substr(%(expressions)s, CASE WHEN %(expressions)s LIKE '\"%%%%' THEN "
        "length(rtrim(%(expressions)s, replace(%(expressions)s, '@', ''))) "
        "ELSE %(position)s(%(expressions)s, '@') END + 1))"
    )

    def __init__(self, column: str) -> None:
        super().__init__(F(column), output_field=CharField())

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, position="instr", **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, position="strpos", **context)


def _domain(column: str, *, is_email: bool) -> Any:
    return DomainOf(column) if is_email else Value("", output_field=CharField())


def _domains(jobs: list[int], *, is_email: bool) -> tuple[list[Domain], Domain]:
    """The domains with the most messages, and all others as one."""
    rows = (
        _messages(jobs)
        .annotate(domain=_domain("to_address", is_email=is_email))
        .values_list("domain", "status")
        .annotate(number=Count("id"))
        .order_by("domain")
    )
    rest = Domain("")
    every = _by_domain(rows.iterator())
    if not is_email:
        for domain in every:
            rest.add(domain)
        return [], rest
    top: list[tuple[int, str, Domain]] = []
    # There may be as many domains as recipients: no more than the top is held.
    for domain in every:
        heapq.heappush(top, (domain.recipients, domain.name, domain))
        if len(top) > TOP:
            rest.add(heapq.heappop(top)[2])
    top.sort(key=lambda item: (-item[0], item[1]))
    return [domain for _, _, domain in top], rest


def _by_domain(rows: Iterable[Any]) -> Iterator[Domain]:
    """Of rows (domain, status, number) in the order of domains."""
    domain = Domain("")
    for name, status, number in rows:
        if name != domain.name:
            if domain.recipients:
                yield domain
            domain = Domain(name)
        domain.recipients += number
        domain.sent += number if status in MessageStatus.taken() else 0
        domain.failed += number if status == MessageStatus.FAILED else 0
    if domain.recipients:
        yield domain


def _reached(
    jobs: list[int], domains: list[Domain], rest: Domain, *, is_email: bool
) -> Counter[str]:
    """Messages by what happened to them, in all and into each domain."""
    named = {domain.name: domain for domain in domains}
    total: Counter[str] = Counter()
    rows = (
        _events(jobs)
        .filter(type__in=REACHED)
        .annotate(domain=_domain("message__to_address", is_email=is_email))
        .values_list("domain", "type", "is_machine")
        .annotate(number=Count("message", distinct=True))
    )
    for name, kind, is_machine, number in rows.iterator():
        word = kind + BY_MACHINE if is_machine else kind
        total[word] += number
        named.get(name, rest).reached[word] += number
    return total


__all__ = ["BY_MACHINE", "Domain", "Failure", "Report", "of", "recent", "runs_of"]
