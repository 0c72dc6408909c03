"""Real workers with messages to the same people at the same time: nobody gets too many."""

from __future__ import annotations

import json

import pytest

QUEUE = """
from django.utils import timezone
from omnichannel.models import FrequencyCap, Message
from tests.factories import make_lane, make_provider
FrequencyCap.objects.create(channel_type="email", number=2)
for number in range(4):
    provider = make_provider(name=f"P{number}", bulk_no=7 + number)
    lane = make_lane(provider, category="promotional")
    Message.objects.bulk_create(
        Message(provider=provider, lane=lane, category="promotional", body_text="Hello",
                to_address=f"{'Pp'[number % 2]}erson{n}@example.com", created_at=timezone.now())
        for n in range(50)
    )
"""
SEND = """
import time
from omnichannel.backends import sandbox
from omnichannel.delivery import send_due
sandbox.CHUNK = 1
send_due(["promotional"], until=time.monotonic() + 60)
"""
# The wait of those that met is over; a week's is not.
AGAIN = """
from datetime import timedelta
from django.utils import timezone
from omnichannel.delivery import drain
from omnichannel.models import Message
from omnichannel.recovery import promote
soon = timezone.now() + timedelta(minutes=30)
met = Message.objects.filter(status="scheduled", due_at__lt=soon)
while met.update(due_at=timezone.now()):
    promote(timezone.now())
    drain()
"""
COUNTS = """
import json
from django.db.models import Count
from django.db.models.functions import Lower
from omnichannel.models import Message
sent = Message.objects.order_by().filter(status__in=("sent", "delivered"))
people = sent.annotate(to=Lower("to_address")).values_list("to").annotate(n=Count("id"))
left = Message.objects.exclude(status__in=("sent", "delivered")).order_by()
print(json.dumps([dict(people), dict(left.values_list("status").annotate(n=Count("id")))]))
"""


def counts(live):
    return json.loads(live.run(COUNTS))


@pytest.mark.slow
def test_workers_that_meet_pass_no_cap_and_leave_nobody_waiting_for_nothing(live):
    live.run(QUEUE)

    for worker in [live.start(SEND) for _ in range(3)]:
        assert worker.wait(timeout=120) == 0
    people, _ = counts(live)
    assert max(people.values()) <= 2

    live.run(AGAIN)
    people, left = counts(live)
    assert set(people.values()) == {2}
    assert (len(people), left) == (50, {"scheduled": 100})
