"""Real processes write the messages of one run: deaths and doubles neither lose nor repeat any."""

from __future__ import annotations

import json
import os

import pytest

from tests.live import LiveStudio

COUNT = 400
START = f"""
import time, uuid
from django.utils import timezone
from tests.factories_campaigns import make_campaign, make_people
from tests.factories import make_provider
from campaigns import runner
mark = uuid.uuid4().hex
people = make_people([f"p{{n}}@example.com" for n in range({COUNT})], name=mark)
campaign = make_campaign(audience=people, name=mark, identifier=mark,
                         template=None, provider=make_provider(name=mark))
runner.start(campaign, by=None, at=timezone.now())
"""
TEMPLATE = """
import tests.factories_campaigns as factories
import itertools, uuid
factories._numbers = itertools.count(uuid.uuid4().int % 10**9)
"""
EXPAND = """
import time
from django.utils import timezone
from campaigns.expansion import expand
from omnichannel.models import Job
expand(Job.objects.latest("id"), at=timezone.now(), until=time.monotonic() + 60, page_size=30)
"""
REPORT = """
import json
from omnichannel.models import Job
job = Job.objects.latest("id")
run = job.campaign_run
found = list(job.messages.values_list("to_address", flat=True))
print(json.dumps([len(found), len(set(found)), job.expanded, run.repeated, bool(run.written_at)]))
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def live(request, tmp_path_factory):
    url = os.environ.get("TEST_POSTGRES_URL", "") if request.param == "postgresql" else ""
    if request.param == "postgresql" and not url:
        pytest.skip("TEST_POSTGRES_URL is not set")
    with LiveStudio(tmp_path_factory.mktemp("live"), url) as studio:
        yield studio


@pytest.mark.fault(9, 10)
def test_a_worker_killed_while_writing_loses_and_repeats_nothing(live):
    live.run(TEMPLATE + START)

    for page in (3, 1):
        killed = live.start(EXPAND, OMNI_CRASH=f"expanding:{page}")
        assert killed.wait(timeout=60) == -9
    report = json.loads(live.run(EXPAND + REPORT))

    assert report == [COUNT, COUNT, COUNT, 0, True]


@pytest.mark.fault(28)
def test_workers_writing_the_same_run_repeat_nothing(live):
    live.run(TEMPLATE + START)

    workers = [live.start(EXPAND) for _ in range(3)]
    codes = [worker.wait(timeout=60) for worker in workers]
    report = json.loads(live.run(EXPAND + REPORT))

    assert codes == [0, 0, 0]
    assert report == [COUNT, COUNT, COUNT, 0, True]
