"""The only process is killed in the middle of a campaign and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from tests.journeys.product import Product, children_of, end_group, is_alive, wait_until

PEOPLE = 5000
CAMPAIGN = """
from django.utils import timezone
from campaigns import runner
from tests.factories import make_provider
from tests.factories_campaigns import make_campaign, make_people, make_published_template
provider = make_provider(
    backend="smtp", app_config={{"host": "127.0.0.1", "port": {port}, "security": "none"}}
)
people = make_people(f"person{{n}}@example.com" for n in range({people}))
runner.start(make_campaign(audience=people, provider=provider), by=None, at=timezone.now())
"""
STATE = """
import json
from campaigns.models import Campaign
from omnichannel.models import Job, Message
print(json.dumps({
    "job": Job.objects.get().status,
    "campaign": Campaign.objects.get().status,
    "messages": dict(Message.objects.values_list("to_address", "status")),
}))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def product(request, tmp_path):
    url = os.environ.get("TEST_POSTGRES_URL", "") if request.param == "postgresql" else ""
    if request.param == "postgresql" and not url:
        pytest.skip("TEST_POSTGRES_URL is not set")
    with Product(tmp_path, url) as product:
        yield product


def kill_parent(up: subprocess.Popen) -> None:
    """As an operator does; its worker has to find out by itself."""
    (worker,) = children_of(up)
    os.kill(up.pid, signal.SIGKILL)
    up.wait(5)
    wait_until(lambda: not is_alive(worker), "end of the worker", 8)


def kill_all(up: subprocess.Popen) -> None:
    """As a machine does that runs out of memory."""
    (worker,) = children_of(up)
    end_group(up)
    up.wait(5)
    wait_until(lambda: not is_alive(worker), "end of the worker", 2)


@pytest.mark.parametrize("kill", [kill_parent, kill_all])
def test_a_killed_campaign_finishes_and_loses_nothing(product, sink, kill):
    up = product.up()
    wait_until(lambda: children_of(up), "worker")
    product.run(CAMPAIGN.format(port=sink.port, people=PEOPLE))
    wait_until(lambda: sink.count() > PEOPLE / 10, "first messages")

    kill(up)
    at_the_kill = sink.count()
    product.up()
    wait_until(lambda: json.loads(product.run(STATE))["campaign"] == "finished", "end", 90)

    state = json.loads(product.run(STATE))
    arrived = sink.recipients()
    uncertain = {to for to, status in state["messages"].items() if status == "uncertain"}
    assert PEOPLE / 10 < at_the_kill < PEOPLE
    assert state["job"] == "finished"
    assert set(state["messages"]) == {f"person{n}@example.com" for n in range(PEOPLE)}
    assert set(state["messages"].values()) <= {"sent", "uncertain"}
    assert set(state["messages"]) - arrived.keys() <= uncertain
    assert {to for to, times in arrived.items() if times > 1} <= uncertain
    assert len(uncertain) <= 2  # one body and one envelope behind it, on one connection
