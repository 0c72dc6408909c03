"""What a campaign came to, run by run or in all, alone or beside another campaign."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.text import Truncator

from campaigns import report as reports
from campaigns import report_table
from campaigns.models import Campaign, CampaignRun
from campaigns.report import Report
from campaigns.report_time import Series
from omnichannel.admin.base import action, row_id
from omnichannel.choices import EventType, MessageStatus
from omnichannel.exceptions import TooSlow

LABEL = 30  # characters of a name below a chart
TOO_SLOW = "Counting took too long and was stopped. Choose one run, or try again later."
OFFERED = 200  # campaigns to compare with
COLOURS = {
    EventType.SENT: "var(--color-primary-500)",
    EventType.DELIVERED: "#22c55e",
    EventType.OPENED: "#f59e0b",
    EventType.CLICKED: "#a855f7",
}
TICKS = {"color": "#9ca3af", "maxTicksLimit": 8}
GRID = {"color": "rgba(128, 128, 128, 0.15)"}
OPTIONS: dict[str, Any] = {
    "animation": False,
    "maintainAspectRatio": False,
    "interaction": {"mode": "index", "intersect": False},
    "plugins": {
        "legend": {"position": "bottom", "labels": {"color": "#9ca3af", "boxWidth": 12}},
    },
    "scales": {
        "x": {"grid": GRID, "ticks": {**TICKS, "maxRotation": 0}},
        "y": {"grid": GRID, "ticks": {**TICKS, "precision": 0}, "beginAtZero": True},
    },
}


class ReportPages:
    """The report views of the campaign admin."""

    admin_site: admin.AdminSite

    def report_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/report/", view(self.report_page), name="campaign_report"),
            path("<int:pk>/report/csv/", view(self.report_csv), name="campaign_report_csv"),
        ]

    @action(description="Report", icon="lab_profile", url_path="open-report")
    def report(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:campaign_report", row_id(object_id))

    def report_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = _visible(request, pk)
        runs = reports.runs_of(campaign)
        chosen = _chosen(request, runs)
        other = _other(request, campaign)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Report of {campaign.name}",
            "campaign": campaign,
            "runs": runs,
            "run": chosen[0] if len(chosen) == 1 and len(runs) > 1 else None,
            "campaigns": _campaigns(campaign),
            "other": other,
        }
        try:
            context |= _figures(chosen, other) if chosen else {}
        except TooSlow:
            context["trouble"] = TOO_SLOW
        return TemplateResponse(request, "admin/campaigns/campaign_report.html", context)

    def report_csv(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = _visible(request, pk)
        chosen = _chosen(request, reports.runs_of(campaign))
        try:
            report = reports.recent(chosen, timezone.now())
        except TooSlow:
            return redirect("admin:campaign_report", pk)  # which says so
        name = f"{campaign.identifier}-report.csv"
        return HttpResponse(
            report_table.as_csv(report),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _visible(request: HttpRequest, pk: int) -> Campaign:
    if not request.user.has_perm("campaigns.view_campaign"):
        raise PermissionDenied
    return get_object_or_404(Campaign.objects.select_related("audience", "template"), pk=pk)


def _chosen(request: HttpRequest, runs: list[CampaignRun]) -> list[CampaignRun]:
    """The run that is asked for, else all."""
    wanted = request.GET.get("run", "")
    return [run for run in runs if str(run.pk) == wanted] or runs


def _other(request: HttpRequest, campaign: Campaign) -> Campaign | None:
    text = request.GET.get("with", "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        return None
    return Campaign.objects.exclude(pk=campaign.pk).filter(pk=int(text)).first()


def _campaigns(campaign: Campaign) -> list[tuple[int, str]]:
    """Those to compare with: the latest that have run."""
    rows = Campaign.objects.exclude(pk=campaign.pk).filter(runs__isnull=False).distinct()
    return list(rows.order_by("-id").values_list("id", "name")[:OFFERED])


def _figures(chosen: list[CampaignRun], other: Campaign | None) -> dict[str, Any]:
    at = timezone.now()
    report = reports.recent(chosen, at)
    others = reports.runs_of(other) if other else []
    beside = reports.recent(others, at) if others else None
    return {
        "report": report,
        "beside": beside,
        "lines": _beside(report, beside),
        "chart": json.dumps(funnel(chosen, report, other, beside)),
        "timeline": json.dumps(timeline(report.series)),
        "options": json.dumps(OPTIONS),
        "failed": report.of(MessageStatus.FAILED),
        "query": urlencode({"run": chosen[0].pk}) if len(chosen) == 1 else "",
        "domains": report.all_domains,
    }


def _beside(report: Report, beside: Report | None) -> list[dict[str, Any]]:
    """Lines, each with the same one of the other report; what is nothing in both is left out."""
    mine = report_table.lines(report)
    others = report_table.lines(beside) if beside else [None] * len(mine)
    return [
        {"mine": line, "other": other}
        for line, other in zip(mine, others, strict=True)
        if line.number or (other and other.number) or line.name in ("Sent", "Opened", "Clicked")
    ]


def funnel(
    chosen: list[CampaignRun], report: Report, other: Campaign | None, beside: Report | None
) -> dict[str, Any]:
    """Chart.js data: from recipients to clicks; beside another campaign, in percent."""
    is_share = beside is not None
    sets = [_bars(chosen[0].job.name, report, is_share, "var(--color-primary-500)")]
    if other and beside:
        sets.append(_bars(other.name, beside, is_share, "#f59e0b"))
    return {"labels": [name for name, _ in _steps(report)], "datasets": sets}


def _steps(report: Report) -> list[tuple[str, int]]:
    return [
        ("Recipients", report.recipients),
        ("Sent", report.sent),
        ("Delivered", report.of(MessageStatus.DELIVERED)),
        ("Opened", report.reached.get(EventType.OPENED, 0)),
        ("Clicked", report.reached.get(EventType.CLICKED, 0)),
    ]


def _bars(name: str, report: Report, is_share: bool, colour: str) -> dict[str, Any]:
    whole = max(1, report.recipients)
    values = [
        round(100 * number / whole, 2) if is_share else number for _, number in _steps(report)
    ]
    label = Truncator(name).chars(LABEL) if is_share else "Messages"
    return {"label": label, "data": values, "backgroundColor": colour, "maxBarThickness": 36}


def timeline(series: Series) -> dict[str, Any]:
    """Chart.js data: one line for each kind of event."""
    return {
        "labels": [label if series.unit != "hour" else f"{label}:00" for label in series.labels],
        "datasets": [
            {
                "label": EventType(kind).label,
                "data": values,
                "borderColor": COLOURS[EventType(kind)],
                "backgroundColor": COLOURS[EventType(kind)],
                "borderWidth": 2,
                "pointRadius": 2 if len(values) < 4 else 0,
            }
            for kind, values in series.values.items()
            if any(values)
        ],
    }
