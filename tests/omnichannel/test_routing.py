from __future__ import annotations

import datetime
from collections import Counter

import pytest

from omnichannel.exceptions import NoProvider
from omnichannel.models import ProviderRoute
from omnichannel.routing import pick_provider
from tests.factories import NOW, make_provider

HOUR = datetime.timedelta(hours=1)


def make_route(provider=None, **values):
    provider = provider or make_provider(channel_type="sms")
    values = {"channel_type": "sms", "category": "otp", **values}
    return ProviderRoute.objects.create(provider=provider, **values).provider


def pick(address="+442079460958"):
    return pick_provider("sms", "otp", address=address, at=NOW)


def test_the_longest_country_prefix_that_fits_wins(db):
    anywhere = make_route()
    britain = make_route(country_prefix="+44")
    make_route(country_prefix="+1")

    assert pick() == britain
    assert pick("+33155500000") == anywhere


def test_the_lowest_priority_number_wins(db):
    make_route(priority=5)
    first = make_route(priority=1)

    assert pick() == first


@pytest.mark.parametrize("fault", [{"stopped_at": NOW - HOUR}, {"resting_until": NOW + HOUR}])
def test_a_provider_in_trouble_is_passed_over(db, fault):
    make_route(make_provider(channel_type="sms", **fault), priority=1)
    second = make_route(priority=2)

    assert pick() == second


def test_when_all_rest_the_message_waits_for_the_best(db):
    best = make_route(make_provider(channel_type="sms", resting_until=NOW + HOUR), priority=1)
    make_route(make_provider(channel_type="sms", resting_until=NOW + HOUR), priority=2)

    assert pick() == best


def test_an_inactive_provider_or_route_is_never_picked(db):
    make_route(make_provider(channel_type="sms", is_active=False))
    make_route(is_active=False)

    with pytest.raises(NoProvider):
        pick()


def test_equal_routes_share_by_weight(db):
    heavy, light = make_route(weight=900), make_route(weight=100)

    picked = Counter(pick().pk for _ in range(200))

    assert picked[heavy.pk] > picked[light.pk]
