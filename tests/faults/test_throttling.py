"""A provider that asks for patience gets it, from all workers at once, and loses nothing."""

from __future__ import annotations

import datetime
from email.utils import format_datetime

import pytest
import time_machine
from django.utils import timezone

from campaigns import expansion, progress, runner
from campaigns.choices import CampaignStatus
from omnichannel import delivery, recovery, trouble
from omnichannel.choices import Outcome
from omnichannel.models import ChannelProvider, Message
from tests.factories import NOW, make_provider
from tests.factories_campaigns import make_campaign, make_people
from tests.faults.provider import Rule
from tests.faults.rows import make_relay, make_send_grid, queue

COUNT = 6
MINUTE = datetime.timedelta(minutes=1)
TOO_MANY = {"status": 429, "body": "{}"}


@pytest.fixture
def at_now():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def resting(provider: ChannelProvider) -> float:
    """Seconds for which it is left alone from NOW on."""
    until = ChannelProvider.objects.values_list("resting_until", flat=True).get(pk=provider.pk)
    return (until - NOW).total_seconds()


@pytest.mark.fault(20)
@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("70", 70),
        (format_datetime(NOW + 2 * MINUTE), 120),
        ("99999999999", 3600),
        ("-5", 1),
        ("nan", 5),
        ("soon", 5),
    ],
)
def test_the_whole_provider_waits_as_long_as_was_asked_for(
    db, at_now, play, judged, asked, seconds
):
    wire = play(Rule("http", {**TOO_MANY, "headers": {"Retry-After": asked}}, nth=(2,)))
    provider = make_send_grid(wire)
    queue(provider, COUNT, NOW)

    delivery.drain()
    delivery.drain()

    assert len(wire.accepted()) == 1
    assert resting(provider) == pytest.approx(seconds, abs=1)
    at_now.move_to(NOW + 61 * MINUTE)
    recovery.promote(timezone.now())
    delivery.drain()
    assert judged() == []


@pytest.mark.fault(20)
def test_what_was_on_its_way_does_not_end_the_rest_that_was_asked_for(db, at_now, play):
    wire = play(
        Rule("rcpt", "451 4.7.1 slow down", to="p0@*"), Rule("dot", "(sleep 0.3)250 ok", to="*")
    )
    provider = make_relay(wire, options={"connections": 3})
    provider.statuses.create(code="451", outcome=Outcome.THROTTLED)
    queue(provider, 3, NOW)

    delivery.drain()

    assert sorted(wire.accepted()) == ["p1@example.com", "p2@example.com"]
    assert resting(provider) > 4


@pytest.mark.fault(18, 20)
def test_workers_that_meet_the_same_outage_count_as_one(db):
    provider = make_provider()

    until = {trouble.rest(provider, "no answer", NOW) for _ in range(8)}

    provider.refresh_from_db()
    assert provider.failures == 1
    assert until == {provider.resting_until}
    assert resting(provider) <= trouble.FIRST_REST


@pytest.mark.fault(20)
def test_a_longer_wait_that_was_asked_for_prolongs_a_rest_and_a_shorter_does_not(db):
    provider = make_provider()

    for seconds in (30, 200, 10):
        trouble.rest(provider, "slow down", NOW, seconds=seconds)

    assert resting(provider) == 200


@pytest.mark.fault(20)
@pytest.mark.parametrize("status", [500, 503])
def test_a_failing_api_is_tried_again_until_it_recovers(db, at_now, play, judged, status):
    wire = play(Rule("http", {"status": status, "body": "<html>bad"}, times=2))
    queue(make_send_grid(wire), COUNT, NOW)

    for minutes in range(0, 18, 6):
        at_now.move_to(NOW + minutes * MINUTE)
        recovery.promote(timezone.now())
        delivery.drain()

    assert set(Message.objects.values_list("status", flat=True)) == {"sent"}
    assert judged() == []


@pytest.mark.fault(20)
def test_five_in_a_hundred_refused_once_are_all_delivered_without_an_operator(
    db, at_now, play, judged
):
    people = 80
    wire = play(Rule("rcpt", "451 4.2.0 greylisted", share=0.05, seed=1, times=1))
    provider = make_relay(wire, options={"connections": 2})
    audience = make_people([f"p{number}@example.com" for number in range(people)])
    campaign = make_campaign(provider=provider, audience=audience)
    job = runner.start(campaign, by=None, at=timezone.now())
    expansion.expand(job, at=timezone.now(), until=float("inf"))

    seen = []
    for minutes in (0, 3, 6, 9):
        at_now.move_to(NOW + minutes * MINUTE)
        recovery.promote(timezone.now())
        delivery.drain()
        progress.follow(timezone.now())
        seen.append(type(campaign).objects.get().status)

    refused = len({entry.to for entry in wire.entries("rcpt")})
    assert 1 < refused < 20
    assert seen[:2] == [CampaignStatus.RUNNING] * 2
    assert seen[-1] == CampaignStatus.FINISHED
    assert len(set(wire.accepted())) == people
    assert judged() == []
