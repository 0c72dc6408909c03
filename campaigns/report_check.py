"""A run's report counted another way: message by message in Python, not by set in SQL."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator
from typing import Any

from campaigns import report as reports
from campaigns import report_links
from campaigns.models import CampaignRun
from campaigns.report import BY_MACHINE, HANDED_OVER, REACHED, Report
from omnichannel.choices import EventType, MessageStatus
from omnichannel.models import Message, MessageEvent

BATCH = 1_000
STATEMENT_SECONDS = 3_600  # nobody waits at a page


def differences(run: CampaignRun, report: Report) -> Iterator[tuple[str, int, int]]:
    """(figure, what the report says, what the rows say) wherever these differ."""
    said, counted = figures(report), count(run)
    # A domain that is not among the first is a part of all others; so is a link.
    unnamed = ("domain ", "link ") if _is_cut(report) else ("domain ",)
    for name in sorted(said.keys() | counted.keys()):
        is_named = name in said or not (name.startswith(unnamed) or report_links.REST in name)
        if is_named and said.get(name, 0) != counted.get(name, 0):
            yield name, said.get(name, 0), counted.get(name, 0)


def _is_cut(report: Report) -> bool:
    """Whether some of the addresses clicked are not told, or not in full."""
    is_short = any(link.href.endswith(report_links.REST) for link in report.links)
    return is_short or len(report.links) >= report_links.MOST


def figures(report: Report) -> dict[str, int]:
    """What a report says, by the names of `count`."""
    found = {"sent": report.sent, "purged": report.purged}
    found |= {f"status {status}": number for status, number in report.by_status.items()}
    found |= {f"messages {kind}": number for kind, number in report.reached.items()}
    for link in report.links:
        name = link.number or link.href
        if name == report_links.OTHERS:
            continue
        found[f"link {name} clicks"] = link.clicks
        found[f"link {name} messages"] = link.messages
    for domain in report.domains:
        found[f"domain {domain.name}"] = domain.recipients
        found[f"domain {domain.name} opened"] = domain.reached[EventType.OPENED]
    return found


def count(run: CampaignRun) -> dict[str, int]:
    """The same from the rows, a batch at a time."""
    found: Counter[str] = Counter({f"status {s}": n for s, n in run.job.purged_counts.items()})
    found["purged"] = run.job.purged
    last = 0
    while True:
        rows = Message.objects.filter(job=run.job_id, id__gt=last).order_by("id")
        batch = list(rows.values_list("id", "status", "to_address")[:BATCH])
        if not batch:
            return dict(found)
        last = batch[-1][0]
        _add(found, batch, is_email=run.job.channel_type == "email")


def _add(found: Counter[str], batch: list[tuple[int, str, str]], *, is_email: bool) -> None:
    events: dict[int, list[Any]] = {pk: [] for pk, _, _ in batch}
    rows = MessageEvent.objects.filter(message__in=list(events)).order_by()
    for pk, *event in rows.values_list("message_id", "type", "is_machine", "code", "url"):
        events[pk].append(event)
    for pk, status, address in batch:
        found[f"status {status}"] += 1
        kinds = {kind for kind, *_ in events[pk]}
        words = {kind + BY_MACHINE if machine else kind for kind, machine, *_ in events[pk]}
        for word in words:
            if word.removesuffix(BY_MACHINE) in REACHED:
                found[f"messages {word}"] += 1
        was_taken = status == MessageStatus.FAILED and bool(kinds & {*HANDED_OVER})
        found["sent"] += was_taken or status in MessageStatus.taken()
        clicks = [
            code if report_links.is_number(code) else url
            for kind, machine, code, url in events[pk]
            if kind == "clicked" and not machine
        ]
        clicks += [brief for url in clicks if (brief := report_links.short(url)) != url]
        for link in clicks:
            found[f"link {link} clicks"] += 1
        for link in set(clicks):
            found[f"link {link} messages"] += 1
        if is_email:
            domain = address.rpartition("@")[2].lower()
            found[f"domain {domain}"] += 1
            found[f"domain {domain} opened"] += EventType.OPENED in words


def wrong(run: CampaignRun, at: datetime.datetime) -> list[tuple[str, int, int]]:
    """What differs twice: an event that came in between the two counts is no fault."""
    for _ in range(2):
        run.job.refresh_from_db(fields=["purged_counts"])
        found = list(differences(run, reports.of([run], at, seconds=STATEMENT_SECONDS)))
        if not found:
            return []
    return found
