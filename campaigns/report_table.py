"""The figures of a report as lines that name their denominators, for the page and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from campaigns.report import BY_MACHINE, Report
from omnichannel.choices import EventType, MessageStatus
from omnichannel.formulas import escape

RECIPIENTS, SENT, OPENED = "recipients", "sent", "opened"
MACHINES = "Programs that look into messages before people do. They are not in the line above."


@dataclass(frozen=True)
class Line:
    name: str
    number: int
    base: int  # what the rate is a share of
    of: str = ""  # the name of the base; empty: there is no rate
    hint: str = ""
    is_known: bool = True  # False: rows it is counted from were deleted, so it is "at least"

    @property
    def rate(self) -> float | None:
        """In percent; None where it would be wrong or mean nothing."""
        return 100 * self.number / self.base if self.of and self.base and self.is_known else None


def lines(report: Report) -> list[Line]:
    """Always the same lines in the same order."""
    return [*_by_status(report), *_by_events(report)]


def _by_status(report: Report) -> Iterator[Line]:
    """What statuses tell: true of deleted messages, too."""
    whole = report.recipients
    waiting = report.of(*MessageStatus.pending()) + report.unwritten
    yield Line("Recipients", whole, whole)
    yield Line("Waiting", waiting, whole, RECIPIENTS)
    yield Line(
        "Sent",
        report.sent,
        whole,
        RECIPIENTS,
        "The provider took it, whatever became of it then.",
        is_known=report.is_whole,
    )
    yield Line(
        "Delivered",
        report.of(MessageStatus.DELIVERED),
        report.sent,
        SENT,
        "As far as the provider reports it.",
        is_known=report.is_whole,
    )
    for name, status in (
        ("Failed", MessageStatus.FAILED),
        ("Suppressed", MessageStatus.SUPPRESSED),
        ("Uncertain", MessageStatus.UNCERTAIN),
        ("Expired", MessageStatus.EXPIRED),
        ("Cancelled", MessageStatus.CANCELLED),
    ):
        yield Line(name, report.of(status), whole, RECIPIENTS)


def _by_events(report: Report) -> Iterator[Line]:
    """What people did; a message counts once, however often it was opened."""
    opened = report.reached.get(EventType.OPENED, 0)
    clicked = report.reached.get(EventType.CLICKED, 0)

    def line(name: str, word: str, hint: str = "") -> Line:
        number = report.reached.get(word, 0)
        return Line(name, number, report.sent, SENT, hint, report.is_whole)

    yield line("Opened", EventType.OPENED, "Messages that somebody opened, each once.")
    yield line("Opened by machines", EventType.OPENED + BY_MACHINE, MACHINES)
    yield line("Clicked", EventType.CLICKED, "Messages with a click, each once.")
    yield Line("Clicks of opened", clicked, opened, OPENED, "", report.is_whole)
    yield line("Clicked by machines", EventType.CLICKED + BY_MACHINE, MACHINES)
    yield line("Bounced", EventType.BOUNCED)
    yield line("Complained", EventType.COMPLAINED)
    yield line("Unsubscribed", EventType.UNSUBSCRIBED)


HEAD = ("Part", "Name", "Number", "Rate in %", "Of", "Note")


def as_csv(report: Report) -> bytes:
    """Every table of the report (UTF-8 with a mark, for Excel)."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEAD)
    writer.writerows([escape(str(cell)) for cell in row] for row in _rows(report))
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8", "replace")


def _rows(report: Report) -> Iterator[tuple[object, ...]]:
    for line in lines(report):
        rate = "" if line.rate is None else f"{line.rate:.2f}"
        note = "" if line.is_known else "at least: some of its rows were deleted as old"
        yield "Figures", line.name, line.number, rate, line.of, note
    for link in report.links:
        name = f"{link.number} {link.href}".strip()
        yield "Links", name, link.messages, "", "", f"{link.clicks} clicks"
    failed = report.of(MessageStatus.FAILED)
    for failure in report.failures:
        name = f"{failure.code} {failure.reason}".strip() or "no code"
        yield "Failures", name, failure.number, f"{100 * failure.number / failed:.2f}", "failed", ""
    for domain in (*report.domains, *filter(None, [report.other_domains])):
        share = 100 * domain.recipients / max(1, report.recipients)
        note = f"{domain.sent} sent, {domain.failed} failed, "
        note += f"{domain.reached[EventType.OPENED]} opened, "
        note += f"{domain.reached[EventType.CLICKED]} clicked"
        yield (
            "Domains",
            domain.name or "all others",
            domain.recipients,
            f"{share:.2f}",
            (RECIPIENTS),
            note,
        )
    for position, label in enumerate(report.series.labels):
        for kind, values in report.series.values.items():
            if values[position]:
                yield (
                    f"Events by {report.series.unit}",
                    f"{label} {kind}",
                    values[position],
                    (""),
                    "",
                    "",
                )
