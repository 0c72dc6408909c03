from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from omnichannel.choices import Category
from omnichannel.delivery import drain
from omnichannel.models import RateClock
from omnichannel.rates import allowance, take
from tests.factories import NOW, make_lane, make_message, make_provider


def granted_over(seconds: int, rate: int, step: float) -> int:
    moments = [NOW + datetime.timedelta(seconds=step * n) for n in range(int(seconds / step))]
    return sum(take("provider:1", rate, 1000, at) for at in moments)


def test_a_rate_is_kept_over_ten_seconds(db):
    assert 95 <= granted_over(10, rate=10, step=0.05) <= 110


def test_a_slow_rate_still_lets_one_message_go(db):
    assert granted_over(10, rate=1, step=0.1) in (10, 11)


def test_a_loop_that_looks_seldom_does_not_exceed_the_rate(db):
    assert granted_over(20, rate=10, step=2) <= 110


def test_without_a_limit_all_that_is_wanted_may_go(db):
    assert allowance(make_lane(), 500, NOW) == 500


def test_the_lower_of_two_limits_decides(db):
    lane = make_lane(make_provider(rate_limit=1000), rate_limit=10)

    assert allowance(lane, 500, NOW) == 5


@pytest.mark.parametrize("rate", [1, 10])
def test_a_password_does_not_wait_for_its_share_of_a_busy_provider(db, rate):
    provider = make_provider(rate_limit=rate)
    bulk = make_lane(provider, category=Category.PROMOTIONAL)
    otp = make_lane(provider, category=Category.OTP)

    assert allowance(bulk, 500, NOW) > 0
    assert allowance(bulk, 500, NOW) == 0
    assert allowance(otp, 1, NOW) == 1


def test_what_urgent_messages_took_early_is_taken_off_the_others(db):
    provider = make_provider(rate_limit=10)
    bulk = make_lane(provider, category=Category.PROMOTIONAL)
    otp = make_lane(provider, category=Category.OTP)
    moments = [NOW + datetime.timedelta(seconds=n / 10) for n in range(100)]

    granted = [allowance(lane, 500, at) for at in moments for lane in (bulk, otp)]

    assert 90 <= sum(granted) <= 115


def test_what_a_turn_does_not_use_is_there_for_others(provider, scripted):
    provider.rate_limit = 200
    provider.save()
    make_message(provider=provider, category=Category.OTP)

    drain()

    clock = RateClock.objects.get(scope=f"provider:{provider.pk}")
    assert clock.free_at <= timezone.now() + datetime.timedelta(seconds=0.01)


def test_lane_loses_nothing_when_its_provider_is_at_the_limit(db):
    lane = make_lane(make_provider(rate_limit=10), rate_limit=10)
    later = NOW + datetime.timedelta(seconds=10)
    RateClock.objects.create(scope=f"provider:{lane.provider_id}", free_at=later)

    assert [allowance(lane, 5, NOW) for _ in range(3)] == [0, 0, 0]
    assert RateClock.objects.get(scope=f"lane:{lane.pk}").free_at <= NOW


OVERTAKEN = """
from concurrent.futures import ThreadPoolExecutor
from django.db import connections
from django.utils import timezone
from omnichannel.rates import take

at = timezone.now()

def taken(number):
    try:
        return sum(take("provider:1", 1000, 1, at, ahead=2) for _ in range(20))
    finally:
        connections.close_all()

with ThreadPoolExecutor(8) as pool:
    print(sum(pool.map(taken, range(8))))
"""


def test_who_is_overtaken_by_another_worker_gets_a_share_all_the_same(live):
    assert live.run(OVERTAKEN).split() == ["160"]
