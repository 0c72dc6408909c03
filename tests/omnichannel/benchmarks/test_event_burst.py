from __future__ import annotations

import json

from omnichannel.backends import sendgrid_webhook
from omnichannel.benchmarks.event_burst import Burst


def test_a_burst_tells_every_event_and_some_calls_twice():
    burst = Burst(0, "/", 20_000, 1)

    calls = [json.loads(burst._body(*batch)) for batch in burst._batches()]

    told = [event for call in calls for event in sendgrid_webhook.events(call)]
    assert {100, 250, 500, 1_000} <= {len(call) for call in calls}
    assert len({event.event_id for event in told}) == 20_000 < len(told)
    assert {event.type for event in told} == {"delivered", "bounced", "opened"}
    assert len({event.key for event in told}) == 10_000
