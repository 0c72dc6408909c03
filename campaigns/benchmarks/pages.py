"""How fast the Studio's pages are while a campaign is sent as fast as it goes."""

from __future__ import annotations

import time
from collections.abc import Iterator

from campaigns.benchmarks.recipe import is_under_way, make_campaign, run_by_dialog
from campaigns.models import Campaign
from omnichannel.benchmarks.base import BenchOptions, Figure
from omnichannel.benchmarks.browser import Browser
from omnichannel.benchmarks.product import ONE_PER_QUEUE, Product
from omnichannel.benchmarks.smtp_sink import SmtpSink
from omnichannel.benchmarks.timing import percentile, smtp_provider
from omnichannel.models import Message

NAME = "pages"
N = 100_000
QUIET_ROUNDS = 20
LOAD_SECONDS = 45.0
PAUSE = 0.05  # seconds between two pages: an operator, not a load test
Times = dict[str, list[float]]


def run(options: BenchOptions) -> Iterator[Figure]:
    """The same pages in turn, on a quiet system and then during a campaign of `n`."""
    with SmtpSink() as sink, Product(options.db, layout=ONE_PER_QUEUE) as product:
        browser = product.sign_in()
        campaign = make_campaign(smtp_provider(sink.port), options.n)
        pages = _pages(campaign)
        _round(browser, pages, {})
        quiet: Times = {}
        for _ in range(QUIET_ROUNDS):
            _round(browser, pages, quiet)
        busy, rate = _during(browser, campaign, pages)
    yield from _figures(quiet, busy, options.n)
    yield Figure("web.messages_per_s_meanwhile", rate, "messages/s", options.n)


def _pages(campaign: Campaign) -> dict[str, str]:
    return {
        "dashboard": "/admin/",
        "queue": "/admin/omnichannel/message/",
        "live": f"/admin/campaigns/campaign/{campaign.pk}/live/",
        "panel": f"/admin/campaigns/campaign/{campaign.pk}/live/panel/",
        "audiences": "/admin/campaigns/audience/",
    }


def _round(browser: Browser, pages: dict[str, str], times: Times) -> None:
    for name, path in pages.items():
        times.setdefault(name, []).append(browser.get(path).seconds)
        time.sleep(PAUSE)


def _during(browser: Browser, campaign: Campaign, pages: dict[str, str]) -> tuple[Times, float]:
    """Page times while the campaign runs, and how many messages a second it sent meanwhile."""
    run_by_dialog(browser, campaign)
    began, times = time.monotonic(), Times()
    while not times or (time.monotonic() - began < LOAD_SECONDS and is_under_way(campaign)):
        _round(browser, pages, times)
    sent = Message.objects.filter(job__reference=str(campaign.pk), status="sent").count()
    return times, sent / (time.monotonic() - began)


def _figures(quiet: Times, busy: Times, n: int) -> Iterator[Figure]:
    for name, seconds in busy.items():
        value = 1000 * percentile(seconds, 0.5)
        yield Figure(f"web.{name}_ms_p50_during_campaign", value, "ms", len(seconds))
    before = [seconds for times in quiet.values() for seconds in times]
    during = [seconds for times in busy.values() for seconds in times]
    half = percentile(before, 0.5)
    yield Figure("web.page_ms_p50_quiet", 1000 * half, "ms", len(before))
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        value = 1000 * percentile(during, share)
        yield Figure(f"web.page_ms_{name}_during_campaign", value, "ms", len(during))
    yield Figure("web.page_ratio_during_campaign", percentile(during, 0.5) / half, "x quiet", n)
