"""PostgreSQL is killed, or its connections are, while a worker sends."""

from __future__ import annotations

import json
import time

import pytest

from tests.faults.own_postgres import OwnPostgres, binaries
from tests.faults.provider import Rule
from tests.live import LiveStudio

COUNT = 120
# What a worker does: every tick again, whatever came of the last one.
WORKER = """
import collections, json, pathlib, time
from django.db import DatabaseError, close_old_connections
from django.utils import timezone
from omnichannel import recovery, tasks
from omnichannel.choices import MessageStatus
from omnichannel.models import Message
from tests.factories import make_provider
from tests.faults.oracle import complaints
from tests.faults.rows import queue

Message.objects.all().delete()
provider = make_provider(name="{name}", backend="smtp", bulk_no=20, app_config={options})
queue(provider, {count}, timezone.now())
faults, until = 0, time.monotonic() + 60
while time.monotonic() < until:
    try:
        close_old_connections()
        recovery.recover(timezone.now())
        tasks.send_transactional()
        type(provider).objects.update(resting_until=None)
        if not Message.objects.filter(status__in=MessageStatus.pending()).exists():
            break
    except DatabaseError:
        faults += 1
        time.sleep(0.2)
statuses = collections.Counter(Message.objects.values_list("status", flat=True))
print(json.dumps([complaints(pathlib.Path("{ledger}")), statuses, faults]))
"""


@pytest.fixture(scope="module")
def postgres():
    found = binaries()
    if found is None:
        pytest.skip("PostgreSQL's server is not installed")
    with OwnPostgres(found) as server:
        yield server


@pytest.fixture(scope="module")
def studio(postgres, tmp_path_factory):
    with LiveStudio(tmp_path_factory.mktemp("studio"), postgres.url) as studio:
        yield studio


@pytest.fixture
def disturbed(studio, play, tmp_path):
    """Send while `disturb` comes again and again; answer (complaints, statuses, faults)."""

    def run(disturb, times: int) -> tuple[list, dict, int]:
        wire = play(Rule("dot", "(sleep 0.004)250 ok"))
        worker = studio.start(
            WORKER.format(
                name=tmp_path.name, options=wire.smtp_options, count=COUNT, ledger=wire.path
            )
        )
        for number in range(1, times + 1):
            wire.wait_for(number * COUNT // (times + 2))
            disturb()
        return json.loads(worker.communicate(timeout=90)[0])

    return run


@pytest.mark.slow
@pytest.mark.fault(12)
def test_a_database_that_crashes_three_times_loses_and_repeats_nothing(disturbed, postgres):
    complaints, statuses, faults = disturbed(postgres.crash, times=3)

    assert complaints == []
    assert statuses.pop("uncertain", 0) <= 3 * 2
    assert set(statuses) == {"sent"}
    assert faults or statuses["sent"]


@pytest.mark.slow
@pytest.mark.fault(13)
def test_connections_that_are_killed_lose_and_repeat_nothing(disturbed, postgres, studio):
    ended = []

    def disturb():
        ended.append(postgres.end_connections(studio.name))
        time.sleep(0.02)

    complaints, statuses, _ = disturbed(disturb, times=5)

    assert sum(ended) > 0
    assert complaints == []
    assert statuses.pop("uncertain", 0) <= 5 * 2
    assert set(statuses) == {"sent"}
