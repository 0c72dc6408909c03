"""A process that dies while it sends at once: nothing is lost and nothing goes twice."""

from __future__ import annotations

import pytest

MAKE = """
from omnichannel.models import ChannelProvider
ChannelProvider.objects.get_or_create(
    name="Main", defaults={"backend": "sandbox", "from_address": "a@example.com"}
)
"""
SEND = """
import time
from django.utils import timezone
from omnichannel import instant
from omnichannel.submissions import Submission
asked = Submission(
    recipients=[{"to_address": "ADDRESS"}], is_single=True, body_text="Hi", provider="Main"
)
instant.send(asked, at=timezone.now(), until=time.monotonic() + 30)
"""
RECOVER = """
from django.utils import timezone
from omnichannel import recovery
recovery.recover(timezone.now())
"""


@pytest.mark.parametrize(
    ("point", "before", "after"),
    [
        ("claimed", "sending", "new"),  # not handed over: the queue sends it
        ("handed", "sending", "uncertain"),
        ("answered", "sending", "uncertain"),
        ("recording", "sending", "sent"),  # the journal knows the answer
    ],
)
def test_message_of_a_dead_process_is_settled_by_how_far_it_got(live, point, before, after):
    address = f"{point}@example.com"
    query = f"SELECT status FROM omnichannel_message WHERE to_address = '{address}'"
    live.run(MAKE)

    died = live.start(SEND.replace("ADDRESS", address), OMNI_CRASH=f"{point}:1").wait(60)
    left = live.look_up(query)
    live.run(RECOVER)

    assert died == -9
    assert left == [(before,)]
    assert live.look_up(query) == [(after,)]
