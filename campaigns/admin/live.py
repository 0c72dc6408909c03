"""The page that shows a campaign while it runs, and each of its runs afterwards."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone

from campaigns import open_days, progress
from campaigns.choices import CampaignStatus
from campaigns.models import Campaign, CampaignRun
from campaigns.recipients import ADDRESS_ERROR
from omnichannel.choices import JobStatus, MessageStatus
from omnichannel.models import Job
from omnichannel.windows import is_open, next_opening

TROUBLED = (MessageStatus.FAILED, MessageStatus.ERROR, MessageStatus.UNCERTAIN)
LOOKED_AT = 500  # latest messages in trouble whose errors are shown
ERRORS_SHOWN = 5
RUNS_SHOWN = 10
CHART_POINTS = 240
TONES = {
    MessageStatus.SENT: "info",
    MessageStatus.DELIVERED: "good",
    MessageStatus.FAILED: "bad",
    MessageStatus.ERROR: "warn",
    MessageStatus.UNCERTAIN: "warn",
    MessageStatus.EXPIRED: "bad",
}


@dataclass(frozen=True)
class State:
    label: str
    number: int
    tone: str
    url: str
    share: float  # of all recipients, 0 to 100


class LivePages:
    """The live views of the campaign admin."""

    admin_site: admin.AdminSite
    opts: Any

    def live_url(self, pk: int) -> str:
        return reverse("admin:campaign_live", args=(pk,))

    def live_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self._visible(request, pk)
        steps: Any = self
        return render(
            request,
            "admin/campaigns/campaign_live.html",
            {
                **self.admin_site.each_context(request),
                "title": campaign.name,
                "opts": self.opts,
                "original": campaign,
                "show_back_button": True,
                "actions_detail": steps._get_actions_navigation(
                    [name for name in steps.actions_detail if name != "live"],
                    steps.get_actions_detail(request, pk),
                    pk,
                ),
                **panel(campaign, timezone.now()),
            },
        )

    def live_panel(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self._visible(request, pk)
        context = {**panel(campaign, timezone.now()), "is_update": True}
        response = render(request, "admin/campaigns/campaign_panel.html", context)
        if request.GET.get("status") != campaign.status:
            response["HX-Refresh"] = "true"  # the page's buttons are those of another state
        return response

    def live_chart(self, request: HttpRequest, pk: int) -> JsonResponse:
        campaign = self._visible(request, pk)
        run = campaign.latest_run()
        return JsonResponse(chart(run.job) if run else {"points": []})

    def _visible(self, request: HttpRequest, pk: int) -> Campaign:
        if not request.user.has_perm("campaigns.view_campaign"):
            raise PermissionDenied
        return get_object_or_404(Campaign.objects.select_related("audience", "template"), pk=pk)


def panel(campaign: Campaign, at: datetime.datetime) -> dict[str, Any]:
    """Everything that changes while a campaign runs."""
    run = campaign.latest_run()
    context: dict[str, Any] = {"campaign": campaign, "run": run, "runs": past_runs(campaign)}
    if run is None:
        return {**context, "is_active": False}
    found = progress.recent_figures(run)
    # What a worker has in hand when a campaign is cancelled is still settled afterwards.
    is_active = run.job.status in JobStatus.active() or found.of(MessageStatus.SENDING) > 0
    rate = rate_now(campaign, run.job, found)
    left = found.pending + found.unwritten
    ready = left - found.of(MessageStatus.SCHEDULED)  # those go at moments of their own
    return {
        **context,
        "is_active": is_active,
        "figures": found,
        "states": states(run, found),
        "rate": rate,
        "left": left,
        "eta": datetime.timedelta(seconds=int(ready / rate)) if rate and ready else None,
        "took": took(run.job, at),
        "hold_ups": [*hold_ups(run, at), *put_off(run.job, found)] if is_active else [],
        "errors": last_errors(run.job) if found.of(*TROUBLED) else [],
        "messages_url": messages_url(run.job),
    }


def states(run: CampaignRun, found: progress.Figures) -> list[State]:
    """The messages by status, in the order of a message's life."""
    shown = [status for status in MessageStatus if found.of(status)]
    return [
        State(
            label=status.label,
            number=found.of(status),
            tone=TONES.get(status, ""),
            url=messages_url(run.job, status),
            share=100 * found.of(status) / max(1, found.total),
        )
        for status in shown
    ]


def messages_url(job: Job, status: str = "") -> str:
    url = f"{reverse('admin:omnichannel_message_changelist')}?job__id__exact={job.pk}"
    return f"{url}&status__exact={status}" if status else url


def took(job: Job, at: datetime.datetime) -> datetime.timedelta | None:
    """Whole seconds from the start to the end, or until now."""
    if job.started_at is None:
        return None
    return datetime.timedelta(
        seconds=int(((job.finished_at or at) - job.started_at).total_seconds())
    )


def rate_now(campaign: Campaign, job: Job, found: progress.Figures) -> float:
    if campaign.status == CampaignStatus.PAUSED:
        return 0.0
    if campaign.status == CampaignStatus.RUNNING:
        return progress.rate_of(job)
    return average_rate(job, found)


def average_rate(job: Job, found: progress.Figures) -> float:
    if job.started_at is None or job.finished_at is None:
        return 0.0
    sent = found.taken + found.failed + found.expired + found.uncertain
    return sent / max(1.0, (job.finished_at - job.started_at).total_seconds())


def hold_ups(run: CampaignRun, at: datetime.datetime) -> list[str]:
    """Why nothing goes right now, as far as the provider or the day is the reason."""
    provider = run.job.provider
    texts = []
    if not provider.is_active:
        texts.append("The provider is not active: activate it.")
    if provider.stopped_at:
        texts.append(f"The provider is stopped: {provider.trouble}")
    elif provider.resting_until and provider.resting_until > at:
        texts.append(f"It rests until {provider.resting_until:%H:%M:%S} UTC: {provider.trouble}")
    window = (provider.interval_min, provider.interval_max)
    delay = open_days.delay(run.campaign, at, run.job.started_at or at, window)
    if delay:
        texts.append(f"{delay.why}: it goes on {delay.when.removeprefix('on ')}.")
    elif not is_open(at, *window):
        opening = next_opening(at, *window)
        texts.append(f"Outside its sending hours: it goes on at {opening:%Y-%m-%d %H:%M} UTC.")
    return texts


def put_off(job: Job, found: progress.Figures) -> list[str]:
    """That messages wait by themselves, with the reason that one of them gives."""
    number = found.of(MessageStatus.SCHEDULED)
    waiting = job.messages.filter(status=MessageStatus.SCHEDULED).order_by()
    reason = waiting.values_list("error_message", flat=True).first() if number else ""
    if not reason:
        return []
    return [f"{number:,} {'message waits' if number == 1 else 'messages wait'}. {reason}"]


def last_errors(job: Job) -> list[tuple[str, int]]:
    """Distinct errors of the latest messages in trouble, with their numbers."""
    texts: Counter[str] = Counter()
    # One status at a time: an index hands its latest rows over without a sort.
    for status in TROUBLED:
        rows = job.messages.filter(status=status).order_by("-id")
        fields = rows.values_list("error_code", "error_message", "to_address")
        texts.update(_told(*row) for row in fields[:LOOKED_AT])
    return texts.most_common(ERRORS_SHOWN)


def _told(code: str, text: str, address: str) -> str:
    number = "" if code == ADDRESS_ERROR else code
    text = text.replace(address, "…") or "No answer from the provider."
    return f"{number} {text}".strip()[:200]


def past_runs(campaign: Campaign) -> list[dict[str, Any]]:
    """The latest runs with the figures of their last sample; in each row, they sum up."""
    runs: Any = campaign.runs.with_figures().select_related("job__provider", "job__created_by")
    found = []
    for run in runs.order_by("-id")[:RUNS_SHOWN]:
        taken, failed = run.taken or 0, run.failed or 0
        waiting = run.whom if run.waiting is None else run.waiting
        other = max(0, run.whom - taken - failed - waiting)
        figures = {"whom": run.whom, "taken": taken, "failed": failed, "other": other}
        found.append({"job": run.job, **figures, "waiting": waiting})
    return found


def chart(job: Job) -> dict[str, Any]:
    """The samples of a run, thinned: {"points": [[seconds, sent, failed, waiting], ...]}."""
    start = job.started_at or job.created_at
    rows = list(job.samples.order_by("at").values_list("at", "taken", "failed", "pending"))
    step = max(1, len(rows) // CHART_POINTS)
    kept = rows[::step] + (rows[-1:] if len(rows) % step != 1 and step > 1 else [])
    points = [
        [round((at - start).total_seconds(), 1), taken, failed, pending]
        for at, taken, failed, pending in kept
    ]
    # A run that was over at its first sample is a line, too: from all waiting to all done.
    begin = [[0.0, 0, 0, sum(points[0][1:])]] if points and points[0][0] > 0 else []
    return {"points": begin + points}


__all__ = ["LivePages", "chart", "panel"]
