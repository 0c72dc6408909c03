"""One-time passwords at a glance: what was sent, entered and refused, where, and since when."""

from __future__ import annotations

import datetime
import json
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from omnichannel.admin.base import StudioAdmin
from otp import fraud
from otp.destinations import Destination
from otp.fraud import Traffic
from otp.models import BlockedPrefix, OtpConfiguration

HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)
# name: words, how long, how it is cut
PERIODS: dict[str, tuple[str, datetime.timedelta, str]] = {
    "day": ("24 hours", DAY, "hour"),
    "week": ("7 days", 7 * DAY, "day"),
    "month": ("30 days", 30 * DAY, "day"),
}
USUAL = "day"
MOST = 100  # prefixes
TICKS = {"color": "#9ca3af", "maxTicksLimit": 12}
GRID = {"color": "rgba(128, 128, 128, 0.15)"}
OPTIONS: dict[str, Any] = {
    "animation": False,
    "maintainAspectRatio": False,
    "interaction": {"mode": "index", "intersect": False},
    "plugins": {"legend": {"position": "bottom", "labels": {"color": "#9ca3af", "boxWidth": 12}}},
    "scales": {
        "x": {"grid": GRID, "ticks": {**TICKS, "maxRotation": 0}},
        "y": {"grid": GRID, "ticks": {**TICKS, "precision": 0}, "beginAtZero": True},
    },
}
BARS = (
    ("sends", "Sent", "var(--color-primary-500)"),
    ("verified", "Entered", "#22c55e"),
    ("refused", "Refused", "#ef4444"),
)


def page_url(period: str) -> str:
    """The page of that period; without one, the list of blocks."""
    if period not in PERIODS:
        return reverse("admin:otp_blockedprefix_changelist")
    return f"{reverse('admin:otp_figures')}?period={period}"


class FraudPages(StudioAdmin):
    """For everyone who may view requests; blocking needs the right to add blocked prefixes."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.figures_page)
        return [path("figures/", view, name="otp_figures"), *super().get_urls()]

    def figures_page(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = request.GET.get("period", "")
        period = asked if asked in PERIODS else USUAL
        until = timezone.now()
        since = until - PERIODS[period][1]
        context = {
            **self.admin_site.each_context(request),
            "title": "One-time passwords",
            "period": period,
            "periods": [(name, words) for name, (words, _, _) in PERIODS.items()],
            "words": PERIODS[period][0],
            "may_block": request.user.has_perm("otp.add_blockedprefix"),
            **_figures(since, until, PERIODS[period][2]),
        }
        return TemplateResponse(request, "admin/otp/figures.html", context)


def _figures(since: datetime.datetime, until: datetime.datetime, by: str) -> dict[str, Any]:
    countries = _busy(fraud.by_country(since=since, until=until))
    prefixes = _busy(fraud.by_prefix(since=since, until=until, most=MOST))
    times = fraud.over_time(since=since, until=until, by=by)
    blocks = BlockedPrefix.objects.in_force(until)
    usual = _usual()
    return {
        "usual": usual,
        "total": _total(countries),
        "blocks": blocks.count(),
        "countries": [(row, _is_low(row, usual)) for row in countries],
        "prefixes": _with_blocks(prefixes, usual, until),
        "has_more": len(prefixes) == MOST,
        "chart": json.dumps(chart(times, since, until, by)),
        "options": json.dumps(OPTIONS),
        "by": by,
        "made_at": until,
    }


def _busy(rows: list[Traffic]) -> list[Traffic]:
    """Without those of which the trail tells nothing but a block."""
    return [row for row in rows if row.sends or row.verified or row.refused]


def _total(rows: list[Traffic]) -> Traffic:
    sums = (sum(getattr(row, name) for row in rows) for name in ("sends", "verified", "refused"))
    return Traffic("", *sums)


def _usual() -> OtpConfiguration:
    row = OtpConfiguration.objects.filter(is_default=True).first()
    return row or OtpConfiguration.defaults()


def _is_low(row: Traffic, usual: OtpConfiguration) -> bool:
    """Whether the fraud guard, as the usual configuration sets it, takes offence."""
    share = row.conversion
    return bool(
        share is not None
        and row.sends >= usual.conversion_after
        and share < usual.conversion_floor_percent
    )


def _with_blocks(
    rows: list[Traffic], usual: OtpConfiguration, at: datetime.datetime
) -> list[dict[str, Any]]:
    beginnings = {row.key: Destination("sms", str(row.key), "").beginnings for row in rows}
    every = {text for texts in beginnings.values() for text in texts}
    blocks = BlockedPrefix.objects.in_force(at).filter(prefix__in=every)
    known = {block.prefix: block for block in blocks}
    return [
        {
            "row": row,
            "is_low": _is_low(row, usual),
            "block": next((known[text] for text in beginnings[row.key] if text in known), None),
        }
        for row in rows
    ]


def chart(
    times: list[Traffic], since: datetime.datetime, until: datetime.datetime, by: str
) -> dict[str, Any]:
    """Chart.js data: bars for every hour or day, also those in which nothing happened."""
    step, form = (HOUR, "%H:00") if by == "hour" else (DAY, "%b %d")
    known = {_begin(row.key, by): row for row in times}
    at, moments = _begin(since, by), []
    while at <= until:
        moments.append(at)
        at += step
    empty = Traffic("", 0, 0, 0)
    return {
        "labels": [f"{moment:{form}}" for moment in moments],
        "datasets": [
            {
                "label": label,
                "data": [getattr(known.get(moment, empty), name) for moment in moments],
                "backgroundColor": colour,
                "maxBarThickness": 18,
            }
            for name, label, colour in BARS
        ],
    }


def _begin(moment: datetime.datetime, by: str) -> datetime.datetime:
    start = moment.astimezone(datetime.UTC).replace(minute=0, second=0, microsecond=0)
    return start if by == "hour" else start.replace(hour=0)
