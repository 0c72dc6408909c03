"""The first page of the Studio: what is going on, from cheap or briefly kept figures."""

from __future__ import annotations

import datetime
import json
from collections import Counter
from typing import Any

from django.core.cache import cache
from django.db.models import CharField, Count, Model
from django.db.models.functions import Cast, Substr
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from campaigns import demo, progress
from campaigns.choices import CampaignStatus
from campaigns.models import Audience, AudienceImport, Campaign
from omnichannel.choices import EventType, MessageStatus
from omnichannel.models import (
    ChannelProvider,
    EmailTemplate,
    Message,
    MessageEvent,
    ProviderRoute,
)

DAY = datetime.timedelta(hours=24)
KEPT = 5  # rows of each list
COUNT_SECONDS = 10
CHART_SECONDS = 60
BAD_EVENTS = (EventType.FAILED, EventType.BOUNCED, EventType.REJECTED)
HOUR = len("2026-03-02 12")


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add to the first page's context what this user may see."""
    may = request.user.has_perm
    context["title"] = "Overview"
    at = timezone.now()
    if may("omnichannel.view_message"):
        events = cache.get_or_set("dashboard:events", lambda: events_by_hour(at), CHART_SECONDS)
        context["cards"] = cards(events or {}, at)
        context["chart"] = json.dumps(chart(events or {}, at))
    if may("omnichannel.view_channelprovider"):
        context["troubles"] = troubled_providers(at)
    if may("campaigns.view_campaign"):
        context["campaigns"] = campaigns_under_way()
    if may("campaigns.view_audienceimport"):
        imports = AudienceImport.objects.select_related("audience").defer("mapping", "headers")
        context["imports"] = list(imports.order_by("-id")[:KEPT])
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
            f"{messages}?status__exact=uncertain",
            "help",
            bad=True,
        ),
    ]


def _card(label: str, number: int, url: str, icon: str, *, bad: bool = False) -> dict[str, Any]:
    tone = "bad" if bad and number else ""
    return {"label": label, "number": number, "url": url, "icon": icon, "tone": tone}


def waiting_and_uncertain() -> dict[str, int]:
    """Counted one status at a time: each has a small index of its own."""
    retried = (MessageStatus.SCHEDULED, MessageStatus.ERROR)
    return {
        "waiting": Message.objects.filter(status=MessageStatus.NEW).order_by().count()
        + Message.objects.filter(status__in=retried).order_by().count(),
        "uncertain": Message.objects.filter(status=MessageStatus.UNCERTAIN).order_by().count(),
    }


def events_by_hour(at: datetime.datetime) -> dict[tuple[str, str], int]:
    """{("2026-03-02 12", event type): number} of the last 24 hours (UTC)."""
    hour = Substr(Cast("at", CharField()), 1, HOUR)
    rows = (
        MessageEvent.objects.filter(at__gt=at - DAY)
        .order_by()
        .annotate(hour=hour)
        .values_list("hour", "type")
        .annotate(number=Count("id"))
    )
    return {(hour, kind): number for hour, kind, number in rows}


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
