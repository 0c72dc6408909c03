"""A one-time password beside a campaign that uses up its provider's rate."""

from __future__ import annotations

import datetime
import json
import threading
import time

import pytest
from django.utils import timezone

from omnichannel import instant
from omnichannel.choices import Category
from omnichannel.exceptions import CannotSendNow
from omnichannel.models import RateClock
from omnichannel.submissions import Submission
from tests.omnichannel.api.conftest import pool

__all__ = ["pool"]

pytestmark = pytest.mark.django_db(transaction=True)

RATE = 200
SECOND = datetime.timedelta(seconds=1)


def send(provider, category=Category.OTP, seconds=5.0):
    asked = Submission(
        recipients=[{"to_address": "ana@example.com"}],
        is_single=True,
        subject="Code",
        body_text="123456",
        provider=provider.pk,
        category=category,
    )
    return instant.send(asked, at=timezone.now(), until=time.monotonic() + seconds)


@pytest.fixture
def limited(provider):
    provider.rate_limit = RATE
    provider.save()
    return provider


BESIDE_A_CAMPAIGN = """
import json, threading, time
from django.db import connections
from django.utils import timezone
from omnichannel import instant, rates
from omnichannel.models import ChannelProvider, Lane
from omnichannel.submissions import Submission

provider = ChannelProvider.objects.create(
    name="Main", backend="sandbox", from_address="a@example.com", rate_limit=200
)
lanes = [
    Lane.objects.create(provider=provider, category=name, priority=5)
    for name in ("promotional", "otp")
]
is_over = threading.Event()

def take_all():  # as workers do, which leave nothing of a slice
    try:
        while not is_over.wait(0.005):
            for lane in lanes:
                rates.allowance(lane, 500, timezone.now())
    finally:
        connections.close_all()

def send():
    asked = Submission(
        recipients=[{"to_address": "ana@example.com"}], is_single=True, body_text="123456",
        provider=provider.pk, category="otp",
    )
    began = time.monotonic()
    sent = instant.send(asked, at=timezone.now(), until=began + 5)
    return sent.status, time.monotonic() - began

workers = threading.Thread(target=take_all)
workers.start()
time.sleep(1)
try:
    told = [send() for _ in range(20)]
    print(json.dumps([workers.is_alive(), *told]))
finally:
    is_over.set()
    workers.join()
"""


def test_passwords_beside_a_campaign_leave_within_a_second(live):
    is_busy, *told = json.loads(live.run(BESIDE_A_CAMPAIGN))

    assert is_busy
    assert {status for status, _ in told} <= {"sent", "delivered"}
    assert max(seconds for _, seconds in told) < 1


def test_password_waits_until_its_deadline_and_no_longer(limited, scripted, pool):
    ahead = timezone.now() + 60 * SECOND
    RateClock.objects.create(scope=f"provider:{limited.pk}", free_at=ahead)
    began = time.monotonic()

    with pytest.raises(CannotSendNow, match="rate limit"):
        send(limited, seconds=0.3)

    assert 0.3 <= time.monotonic() - began < 2
    assert not scripted.seen


def test_other_messages_are_refused_at_once(limited, pool):
    ahead = timezone.now() + 60 * SECOND
    RateClock.objects.create(scope=f"provider:{limited.pk}", free_at=ahead)
    began = time.monotonic()

    with pytest.raises(CannotSendNow, match="rate limit"):
        send(limited, Category.TRANSACTIONAL)

    assert time.monotonic() - began < 1


def test_what_did_not_go_takes_no_time_of_the_others(limited, pool, monkeypatch):
    monkeypatch.setattr(instant, "_free", threading.BoundedSemaphore(1))
    with instant._free, pytest.raises(CannotSendNow, match="at once"):
        send(limited)

    clock = RateClock.objects.get(scope=f"provider:{limited.pk}")
    assert clock.free_at <= timezone.now()
