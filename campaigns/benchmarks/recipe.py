"""A campaign that is ready to run, and how a benchmark runs it: as an operator does."""

from __future__ import annotations

import itertools

from campaigns.benchmarks.rows import make_audience
from campaigns.models import Audience, Campaign, CampaignRun
from omnichannel.benchmarks.browser import Browser
from omnichannel.choices import MessageStatus
from omnichannel.models import ChannelProvider, Message, MessageTemplate
from omnichannel.publishing import publish

SAMPLE = {"first_name": "Ana", "last_name": "Moreau", "city": "Lisbon", "plan": "gold", "points": 1}
PERSONAL = """<p>Dear {{ first_name }} {{ last_name }} of {{ city }}, your plan is {{ plan }} and
you have {{ points }} points. Write to {{ email }}. {{ global.company_name }}</p>"""
CONSTANT = "<p>Everything in the shop is made to last, and repaired when it does not.</p>" * 118
_numbers = itertools.count(1)


def make_campaign(
    provider: ChannelProvider, count: int, audience: Audience | None = None
) -> Campaign:
    """A draft to `count` new records, or to an audience; its message is 10 kB of HTML."""
    number = next(_numbers)
    sample = {**SAMPLE, "email": "ana@example.com"}
    template = MessageTemplate.objects.create(name=f"Bench {number}", sample_variables=sample)
    html = f"<html><body>{PERSONAL}{CONSTANT}</body></html>"
    publish(template, subject="Hello {{ first_name }}", html=html)
    return Campaign.objects.create(
        name=f"Bench {number}",
        identifier=f"bench-{number}",
        template=template,
        audience=audience or _audience(count, f"Bench {number}"),
        provider=provider,
    )


def _audience(count: int, name: str) -> Audience:
    audience = make_audience(count)
    audience.name = name
    audience.save(update_fields=["name"])
    return audience


def run_by_dialog(browser: Browser, campaign: Campaign) -> None:
    """Open the Run dialog and press its button. Raises RuntimeError when it is refused."""
    path = f"/admin/campaigns/campaign/{campaign.pk}/run/"
    browser.get(path)
    press_run(browser, campaign)


def press_run(browser: Browser, campaign: Campaign) -> None:
    path = f"/admin/campaigns/campaign/{campaign.pk}/run/"
    answer = browser.post(path, {"_form_submitted": "on"})
    if "HX-Redirect" not in answer.headers:
        raise RuntimeError("The campaign did not start.")


def is_under_way(campaign: Campaign) -> bool:
    """Something of it waits to be written or to be sent."""
    run = CampaignRun.objects.filter(campaign=campaign).order_by("-id").first()
    if run is None:
        return False
    ready = Message.objects.filter(lane__job_id=run.job_id, status=MessageStatus.NEW)
    return run.written_at is None or ready.exists()
