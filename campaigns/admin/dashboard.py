"""The first page of the Studio: what is going on, from cheap or briefly kept figures."""

from __future__ import annotations

import datetime
import functools
import json
from collections import Counter
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Model, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from campaigns import demo, progress
from campaigns.choices import CampaignStatus
from campaigns.models import Audience, AudienceImport, Campaign
from omnichannel import uncertain
from omnichannel.admin import workers
from omnichannel.choices import EventType
from omnichannel.models import (
    ChannelProvider,
    EmailTemplate,
    Message,
    MessageEvent,
    OutgoingWebhook,
    ProviderRoute,
)

ONE_HOUR = datetime.timedelta(hours=1)
KEPT = 5  # rows of each list
COUNT_SECONDS = 10
CHART_SECONDS = 60
FRESH_HOURS = 2  # of the chart: this one and the one before
OLD_HOUR_SECONDS = 600
BAD_EVENTS = (EventType.FAILED, EventType.BOUNCED, EventType.REJECTED)


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add to the first page's context what this user may see."""
    may = request.user.has_perm
    context["title"] = "Overview"
    at = timezone.now()
    if may("omnichannel.view_message"):
        events = events_by_hour(at)
        context["cards"] = cards(events, at)
        context["chart"] = json.dumps(chart(events, at))
        context["workers"] = workers.panel(at)
        context["overdue"] = overdue_uncertain(at)
    if may("omnichannel.view_channelprovider"):
        context["troubles"] = troubled_providers(at)
    if may("omnichannel.view_outgoingwebhook"):
        context["webhooks"] = troubled_webhooks(at)
    if may("campaigns.view_campaign"):
        context["campaigns"] = campaigns_under_way()
    if may("campaigns.view_audienceimport"):
        imports = AudienceImport.objects.select_related("audience").defer("mapping", "headers")
        context["imports"] = list(imports.order_by("-id")[:KEPT])
    if request.user.is_superuser:
        context["database_alerts"] = workers.database_alerts()
    context["first_steps"] = first_steps(request)
    context["has_demo_data"] = request.user.is_superuser and demo.is_loaded()
    return context


def cards(events: dict[tuple[str, str], int], at: datetime.datetime) -> list[dict[str, Any]]:
    """The four figures at the top, each with its list of messages."""
    counts = cache.get_or_set("dashboard:counts", waiting_and_uncertain, COUNT_SECONDS) or {}
    messages = reverse("admin:omnichannel_message_changelist")
    sent = sum(number for (_, kind), number in events.items() if kind == EventType.SENT)
    failed = sum(number for (_, kind), number in events.items() if kind in BAD_EVENTS)
    return [
        _card("Waiting", counts.get("waiting", 0), f"{messages}?status__exact=new", "schedule"),
        _card("Sent, last 24 h", sent, f"{messages}?status__exact=sent", "send"),
        _card("Failed, last 24 h", failed, f"{messages}?status__exact=failed", "error", bad=True),
        _card(
            "Uncertain",
            counts.get("uncertain", 0),
            reverse("admin:omnichannel_uncertainmessage_changelist"),
            "help",
            bad=True,
        ),
    ]


def _card(label: str, number: int, url: str, icon: str, *, bad: bool = False) -> dict[str, Any]:
    tone = "bad" if bad and number else ""
    return {"label": label, "number": number, "url": url, "icon": icon, "tone": tone}


def waiting_and_uncertain() -> dict[str, int]:
    """Counted one status at a time: each has a small index of its own."""
    return {
        "waiting": Message.objects.ready().order_by().count()
        + Message.objects.by_themselves().order_by().count(),
        "uncertain": Message.objects.uncertain().order_by().count(),
    }


def overdue_uncertain(at: datetime.datetime) -> dict[str, Any] | None:
    """How many messages are uncertain for too long, and since when; None when none is."""
    found = cache.get_or_set("dashboard:overdue", lambda: _overdue(at), COUNT_SECONDS) or {}
    return found if found.get("number") else None


def _overdue(at: datetime.datetime) -> dict[str, Any]:
    return {"number": uncertain.overdue_count(at), "oldest": uncertain.oldest_overdue(at)}


def events_by_hour(at: datetime.datetime) -> dict[tuple[str, str], int]:
    """{("2026-03-02 12", event type): number} of this hour and the 23 before it (UTC).

    An hour is counted by itself: once it is over it is counted seldom, as only late reports
    still change it.
    """
    this = at.replace(minute=0, second=0, microsecond=0)
    found = {}
    for back in range(24):
        hour = this - back * ONE_HOUR
        seconds = CHART_SECONDS if back < FRESH_HOURS else OLD_HOUR_SECONDS + 10 * back
        key = f"dashboard:events:{hour:%Y-%m-%d-%H}"
        counts = cache.get_or_set(key, functools.partial(_events_of, hour), seconds) or {}
        found.update({(f"{hour:%Y-%m-%d %H}", kind): number for kind, number in counts.items()})
    return found


def _events_of(hour: datetime.datetime) -> dict[str, int]:
    events = MessageEvent.objects.filter(at__gte=hour, at__lt=hour + ONE_HOUR).order_by()
    return dict(events.values_list("type").annotate(number=Count("id")))


def chart(events: dict[tuple[str, str], int], at: datetime.datetime) -> dict[str, Any]:
    """Chart.js data: sent and failed messages by hour, the current hour last."""
    hours = [at - datetime.timedelta(hours=back) for back in range(23, -1, -1)]
    sent: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for (hour, kind), number in events.items():
        if kind == EventType.SENT:
            sent[hour] += number
        elif kind in BAD_EVENTS:
            failed[hour] += number
    keys = [f"{hour:%Y-%m-%d %H}" for hour in hours]
    axis = {"displayYAxis": True, "maxTicksXLimit": 12}
    return {
        "labels": [f"{hour:%H}:00" for hour in hours],
        "datasets": [
            {
                "label": "Sent",
                "data": [sent[key] for key in keys],
                "backgroundColor": "var(--color-primary-500)",
                **axis,
            },
            {
                "label": "Failed",
                "data": [failed[key] for key in keys],
                "backgroundColor": "#ef4444",
                **axis,
            },
        ],
    }


def troubled_providers(at: datetime.datetime) -> list[ChannelProvider]:
    able = ChannelProvider.objects.able(at).values("pk")
    return list(ChannelProvider.objects.filter(is_active=True).exclude(pk__in=able)[:KEPT])


def troubled_webhooks(at: datetime.datetime) -> list[OutgoingWebhook]:
    """Stopped by themselves, or failing for so long that somebody should look."""
    failing = Q(stopped_at__isnull=False) | Q(failing_since__lt=at - ONE_HOUR)
    rows = OutgoingWebhook.objects.filter(failing, is_active=True)
    return list(rows.defer("secret", "old_secret")[:KEPT])


def campaigns_under_way() -> list[dict[str, Any]]:
    shown = (*CampaignStatus.under_way(), CampaignStatus.SCHEDULED)
    found = []
    for campaign in Campaign.objects.filter(status__in=shown).order_by("-id")[:KEPT]:
        run = campaign.latest_run() if campaign.status in CampaignStatus.under_way() else None
        figures = progress.recent_figures(run) if run else None
        found.append({"campaign": campaign, "figures": figures})
    return found


def first_steps(request: HttpRequest) -> list[tuple[str, str, str]]:
    """(what, why, address) for what a new installation still lacks, in order."""
    steps: tuple[tuple[type[Model], str, str], ...] = (
        (ChannelProvider, "Add a provider", "Who carries your messages: SMTP, an API."),
        (ProviderRoute, "Choose default providers", "Which one is used for what."),
        (Audience, "Add an audience", "The people you write to, from a CSV file."),
        (EmailTemplate, "Write a template", "What your messages say."),
        (Campaign, "Run a campaign", "One template to one audience."),
    )
    missing = []
    for model, what, why in steps:
        label, name = model._meta.app_label, model._meta.model_name
        may = request.user.has_perm(f"{label}.add_{name}")
        if may and not model._default_manager.exists():
            missing.append((what, why, reverse(f"admin:{label}_{name}_add")))
    return missing
