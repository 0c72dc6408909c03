"""The only process is killed in the middle of a campaign and started again."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from tests.journeys.product import Product, children_of, end_group, is_alive, wait_until

PEOPLE = 5000
PROCESSES = 2
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


@pytest.fixture(params=["sqlite", "postgresql"])
def product(request, tmp_path):
    url = os.environ.get("TEST_POSTGRES_URL", "") if request.param == "postgresql" else ""
    if request.param == "postgresql" and not url:
        pytest.skip("TEST_POSTGRES_URL is not set")
    with Product(tmp_path, url, SEND_PROCESSES=str(PROCESSES)) as product:
        yield product


def statuses(product: Product) -> dict[str, str]:
    """{address: status} when the campaign has come to its end."""

    def is_finished() -> bool:
        return product.look_up("SELECT status FROM campaigns_campaign") == [("finished",)]

    wait_until(is_finished, "end", 90)
    assert product.look_up("SELECT status FROM omnichannel_job") == [("finished",)]
    return dict(product.look_up("SELECT to_address, status FROM omnichannel_message"))


def kill_parent(up: subprocess.Popen) -> None:
    """As an operator does; its worker has to find out by itself."""
    workers = children_of(up)
    os.kill(up.pid, signal.SIGKILL)
    up.wait(5)
    wait_until(lambda: not any(map(is_alive, workers)), "end of the workers", 8)


def kill_all(up: subprocess.Popen) -> None:
    """As a machine does that runs out of memory."""
    workers = children_of(up)
    end_group(up)
    up.wait(5)
    wait_until(lambda: not any(map(is_alive, workers)), "end of the workers", 2)


@pytest.mark.slow
@pytest.mark.parametrize("kill", [kill_parent, kill_all])
@pytest.mark.fault(11)
def test_a_killed_campaign_finishes_and_loses_nothing(product, sink, kill):
    up = product.up()
    wait_until(lambda: children_of(up), "worker")
    product.run(CAMPAIGN.format(port=sink.port, people=PEOPLE))
    wait_until(lambda: sink.count() > PEOPLE / 10, "first messages")

    kill(up)
    at_the_kill = sink.count()
    product.up()
    found = statuses(product)

    arrived = sink.recipients()
    uncertain = {to for to, status in found.items() if status == "uncertain"}
    assert PEOPLE / 10 < at_the_kill < PEOPLE
    assert set(found) == {f"person{n}@example.com" for n in range(PEOPLE)}
    assert set(found.values()) <= {"sent", "uncertain"}
    assert set(found) - arrived.keys() <= uncertain
    assert {to for to, times in arrived.items() if times > 1} <= uncertain
    # One body and one envelope behind it, on the one connection of each process.
    assert len(uncertain) <= 2 * PROCESSES


@pytest.mark.slow
def test_a_campaign_goes_on_when_one_of_its_processes_is_killed(product, sink):
    up = product.up()
    workers = wait_until(lambda: len(found := children_of(up)) == PROCESSES and found, "workers")
    product.run(CAMPAIGN.format(port=sink.port, people=PEOPLE))
    wait_until(lambda: sink.count() > PEOPLE / 10, "first messages")

    os.kill(workers[-1], signal.SIGKILL)
    found = statuses(product)

    arrived = sink.recipients()
    uncertain = {to for to, status in found.items() if status == "uncertain"}
    assert set(found) - arrived.keys() <= uncertain
    assert not [to for to, times in arrived.items() if times > 1]
    assert len(uncertain) <= 2
