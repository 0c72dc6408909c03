"""Many threads, one deduplication key, one message: on a database that they share."""

from __future__ import annotations

import json

CALLS = """
import json, threading
from django.db import connection
from omnichannel import dispatch
from omnichannel.models import EventTrigger, Message
from tests.factories import NOW
from tests.factories_events import make_event, make_routes, make_subscription

make_routes()
event = make_event(key="order-placed")
make_subscription(event)
start = threading.Barrier(20)
done = []

def call():
    start.wait()
    found = dispatch.trigger(
        "order-placed", {"email": "ana@example.com"}, {}, at=NOW, source="test", dedupe_key="1"
    )
    done.append((found.is_repeat, [row.pk for row in found.messages]))
    connection.close()

threads = [threading.Thread(target=call) for _ in range(20)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps({
    "messages": Message.objects.count(), "triggers": EventTrigger.objects.count(), "done": done,
}))
"""


def test_twenty_threads_with_one_key_queue_one_message(live):
    told = json.loads(live.run(CALLS))

    assert (told["messages"], told["triggers"]) == (1, 1)
    assert sorted(is_repeat for is_repeat, _ in told["done"]) == [False] + [True] * 19
    assert len({tuple(messages) for _, messages in told["done"]}) == 1
