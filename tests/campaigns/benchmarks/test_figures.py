"""Each benchmark runs and prints its figures. How large they are is not for a test to say."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from omnichannel.benchmarks.base import BenchOptions
from omnichannel.management.measuring import modules
from tests.live import LiveStudio

CLAIM = """
import json
from omnichannel.benchmarks import claim
from omnichannel.benchmarks.base import BenchOptions
claim.READY, claim.BATCH, claim.ROUNDS = 200, 50, 1
options = BenchOptions(n=1000, db="sqlite", seed=7)
print(json.dumps({figure.name: figure.value for figure in claim.run(options)}))
"""
# All in one process, with one database and one running product, which they would start each.
RUN = """
import contextlib, json
from types import SimpleNamespace
from campaigns.benchmarks import otp, pages, slow_relay, start
from config.benchmarks.otp import Caller
from otp.benchmarks import speed
from omnichannel.benchmarks import claim, latency
from omnichannel.benchmarks.base import BenchOptions
from omnichannel.benchmarks.product import Product
start.STARTS, start.SETTLE_SECONDS, otp.LIMITED_SECONDS, pages.QUIET_ROUNDS = 1, 0, 0.2, 1
found = {}

def run(module, n):
    options = BenchOptions(n=n, db="sqlite", seed=7)
    found.update({figure.name: figure.value for figure in module.run(options)})

def passwords(options):
    yield from speed.run(BenchOptions(n=5, db="sqlite", seed=7))
    yield from otp.run(options, Caller().ask)

with Product("sqlite") as product:
    for module, n in ((latency, 1), (otp, 200), (pages, 50), (start, 50)):
        module.Product = lambda *args, **options: contextlib.nullcontext(product)
        run(SimpleNamespace(run=passwords) if module is otp else module, n)
run(slow_relay, 100)
run(claim, 20_000)
print(json.dumps(found))
"""
WANTED = {
    "queue.latency_ms_p50",
    "queue.latency_ms_p99",
    "queue.otp_latency_ms_p99_under_load",
    "otp.latency_ms_p99_under_campaign",
    "otp.send_per_s",
    "otp.verify_per_s",
    "web.page_ms_p50_quiet",
    "web.page_ms_p50_during_campaign",
    "web.page_ms_p95_during_campaign",
    "web.page_ratio_during_campaign",
    "send.start_ms",
    "send.slow_relay_ratio",
    "claim.rows_per_s_at_10k",
    "claim.rows_per_s_at_20k",
    "claim.ratio_large_to_small",
    "claim.decay_under_reader",
}


@pytest.fixture
def studio(tmp_path):
    with LiveStudio(tmp_path) as studio:
        yield studio


def test_every_benchmark_can_be_named_and_run():
    """Its figures are worked out only while it runs: see the others."""
    found = {
        name: module.run(BenchOptions(n=1, db="sqlite", seed=7))
        for name, module in modules("benchmarks").items()
    }

    assert {"claim", "latency", "otp", "pages", "send", "slow_relay", "start"} <= found.keys()
    assert all(isinstance(figures, Iterator) for figures in found.values())


def test_the_figures_about_claiming_are_printed(studio):
    figures = json.loads(studio.run(CLAIM).splitlines()[-1])

    assert figures.keys() >= {"claim.rows_per_s_at_1k", "claim.ratio_large_to_small"}
    assert all(value > 0 for name, value in figures.items())


def test_every_figure_about_time_is_printed(postgres_url, studio):
    figures = json.loads(studio.run(RUN, DEMO_DATA="0").splitlines()[-1])

    assert figures.keys() >= WANTED
    assert all(value > 0 for value in figures.values())
