"""What was clicked: one line for each link of the template, whatever address it led to.

Where a vendor counted the clicks, its reports name no link: there it is one line an address. When
there are many, as where each recipient has one of their own, what follows "?" or "#" is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, F, Min, QuerySet, TextField, Value, When
from django.db.models.expressions import Expression
from django.db.models.functions import Concat, Left, StrIndex

from omnichannel import rendering
from omnichannel.choices import EventType
from omnichannel.exceptions import TemplateError
from omnichannel.models import Job, MessageEvent, TemplateVersion

MOST = 100
MOST_WHOLE = 30  # of so many addresses a vendor's are told in full
MOST_CODES = 1_000
REST = "?…"  # in place of what is left out of an address
OTHERS = "other addresses"


@dataclass(frozen=True)
class Link:
    number: str  # of the link in the template; empty where the click did not tell
    href: str  # as it stands in the template, else an address that it led to
    clicks: int
    messages: int  # in which it was clicked


def is_number(code: str) -> bool:
    """Our own tracking tells which link it was; a vendor's code is the name of the event."""
    return code.isascii() and code.isdigit()


def of(jobs: Sequence[Job]) -> tuple[Link, ...]:
    """The links that people clicked, most clicked first. What machines clicked is left out."""
    clicks = MessageEvent.objects.filter(
        message__job__in=[job.pk for job in jobs], type=EventType.CLICKED, is_machine=False
    )
    by_code = list(_counted(clicks, "code")[:MOST_CODES])
    versions = {job.template_version_id: job.template_version for job in jobs}
    version = versions.popitem()[1] if len(versions) == 1 else None
    hrefs = _hrefs(version) if version else {}
    found = [
        Link(code, _href(code, url, hrefs), clicked, messages)
        for code, clicked, messages, url in by_code
        if is_number(code)
    ]
    codes = [code for code, *_ in by_code if not is_number(code)]
    others: list[Link] = []
    if codes:
        told, others = _told(clicks.filter(code__in=codes))
        found += told
    found.sort(key=lambda link: (-link.messages, -link.clicks, link.number, link.href))
    return (*found[:MOST], *others)


def short(url: str) -> str:
    """An address without what follows "?" or "#"; REST stands for it."""
    bare = url.partition("#")[0].partition("?")[0]
    return url if bare == url else bare + REST


def _told(clicks: QuerySet[MessageEvent]) -> tuple[list[Link], list[Link]]:
    """Clicks that a vendor told: a line for each address, and one for all others if need be."""
    rows = list(_counted(clicks, "url")[: MOST_WHOLE + 1])
    if len(rows) <= MOST_WHOLE:
        return [_told_link(row) for row in rows], []
    shortened = clicks.annotate(short=_short())
    rows = list(_counted(shortened, "short")[: MOST + 1])
    if len(rows) <= MOST:
        return [_told_link(row) for row in rows], []
    rest = shortened.exclude(short__in=[url for url, *_ in rows[:MOST]]).order_by()
    sums = rest.aggregate(clicks=Count("id"), messages=Count("message", distinct=True))
    others = Link("", OTHERS, sums["clicks"], sums["messages"])
    return [_told_link(row) for row in rows[:MOST]], [others]


def _told_link(row: tuple[Any, ...]) -> Link:
    url, clicked, messages, _ = row
    return Link("", url, clicked, messages)


def _short() -> Case:
    """`short` in SQL."""
    bare: Expression | F = F("url")
    for sign in ("#", "?"):
        bare = Left(
            bare, StrIndex(Concat(bare, Value(sign), output_field=TextField()), Value(sign)) - 1
        )
    return Case(
        When(url=bare, then=F("url")), default=Concat(bare, Value(REST)), output_field=TextField()
    )


def _counted(clicks: QuerySet[MessageEvent], name: str) -> QuerySet[MessageEvent, tuple[Any, ...]]:
    """(the field's value, clicks, messages, an address), most clicked first."""
    return (
        clicks.order_by()
        .values_list(name)
        .annotate(clicks=Count("id"), messages=Count("message", distinct=True), address=Min("url"))
        .order_by("-messages", "-clicks", name)
    )


def _hrefs(version: TemplateVersion) -> dict[int, str]:
    try:
        return rendering.link_hrefs(version)
    except TemplateError:
        return {}  # what was clicked is known all the same


def _href(number: str, url: str, hrefs: dict[int, str]) -> str:
    """The template's, where it agrees with what was clicked."""
    href = hrefs.get(int(number[:9]), "")
    fixed = href.partition("{")[0]
    return href if href and (url.startswith(fixed) if "{" in href else url == href) else url
