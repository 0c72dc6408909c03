"""Real processes on one database: nobody takes another's row, and no death loses a message."""

from __future__ import annotations

import json

import pytest

QUEUE = """
from tests.factories import make_lane, make_provider
from omnichannel.models import Message
from django.utils import timezone
Message.objects.all().delete()
provider = make_provider(name=f"P{{timezone.now()}}", bulk_no=50)
lane = make_lane(provider)
Message.objects.bulk_create(
    Message(provider=provider, lane=lane, to_address=f"p{{n}}@example.com", subject="Hi",
            body_text="Hello", created_at=timezone.now())
    for n in range({count})
)
"""
CLAIM = """
import json, os
from omnichannel.claims import claim
from omnichannel.models import Lane
taken = []
while ids := claim(Lane.objects.latest('id'), 20, f"worker-{os.getpid()}"):
    taken += ids
print(json.dumps(taken))
"""
# One message at a time, as over one SMTP connection.
SEND = """
from omnichannel.backends import sandbox
from omnichannel.delivery import drain
sandbox.CHUNK = 1
drain()
"""
RECOVER = """
from django.utils import timezone
from omnichannel.recovery import recover
recover(timezone.now())
"""
COUNTS = """
import json
from django.db.models import Count
from omnichannel.models import Message
print(json.dumps(dict(Message.objects.order_by().values_list("status").annotate(n=Count("id")))))
"""


@pytest.mark.fault(28)
def test_two_workers_never_take_the_same_row(live):
    live.run(QUEUE.format(count=2000))

    workers = [live.start(CLAIM) for _ in range(3)]
    taken = [row for worker in workers for row in json.loads(worker.communicate(timeout=60)[0])]

    assert len(taken) == 2000
    assert len(set(taken)) == 2000


@pytest.mark.parametrize(
    ("point", "uncertain"),
    [("claimed:1", 0), ("handed:7", 1), ("answered:7", 1), ("recording:1", 0), ("recorded:1", 0)],
)
@pytest.mark.fault(2, 6, 7, 8)
def test_a_worker_killed_at_any_point_loses_nothing(live, point, uncertain):
    killed = live.start(QUEUE.format(count=120) + SEND, OMNI_CRASH=point)
    killed.wait(timeout=60)

    counts = json.loads(live.run(RECOVER + SEND + COUNTS))
    assert killed.returncode == -9
    # On PostgreSQL outcomes are recorded beside the connection: what is on the wire goes on.
    on_the_wire = 2 if live.postgres_url else 0
    assert counts.pop("uncertain", 0) <= max(uncertain, on_the_wire)
    assert set(counts) == {"sent"}


def test_what_was_answered_before_a_kill_is_not_sent_again(live):
    live.start(QUEUE.format(count=120) + SEND, OMNI_CRASH="recording:1").wait(timeout=60)

    before = json.loads(live.run(RECOVER + COUNTS))

    assert before["sent"] > 0
    assert "uncertain" not in before
