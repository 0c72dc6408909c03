"""From the click on Run to the first message on the wire."""

from __future__ import annotations

import time
from collections.abc import Iterator

from campaigns.benchmarks.recipe import make_campaign, press_run
from campaigns.models import Audience
from omnichannel.benchmarks.base import BenchOptions, Figure
from omnichannel.benchmarks.product import Product
from omnichannel.benchmarks.timing import percentile, smtp_provider
from omnichannel.benchmarks.watched_sink import WatchedSink

NAME = "start"
N = 100_000
STARTS = 5
SETTLE_SECONDS = 2.0


def run(options: BenchOptions) -> Iterator[Figure]:
    """The median of five campaigns to the same `n` people, each cancelled once it is running."""
    audience: Audience | None = None
    starts: list[float] = []
    answers: list[float] = []
    dialogs: list[float] = []
    with Product(options.db) as product:
        browser = product.sign_in()
        for number in range(STARTS):
            with WatchedSink("person") as sink:
                provider = smtp_provider(sink.port, name=f"Bench {number}")
                campaign = make_campaign(provider, options.n, audience)
                audience = campaign.audience
                url = f"/admin/campaigns/campaign/{campaign.pk}"
                dialogs.append(browser.get(f"{url}/run/").seconds)
                clicked = time.time()
                press_run(browser, campaign)
                answers.append(time.time() - clicked)
                starts.append(sink.first(120) - clicked)
                browser.post(f"{url}/cancel/", {"_form_submitted": "on"})
                time.sleep(SETTLE_SECONDS)
    for name, seconds in (("", starts), ("_answer", answers), ("_dialog", dialogs)):
        value = 1000 * percentile(seconds, 0.5)
        yield Figure(f"send.start{name}_ms", value, "ms", options.n, sum(seconds))
