"""Operators pause, cancel, edit, disable and suppress while messages go out."""

from __future__ import annotations

import random

import pytest
from django.utils import timezone

from campaigns import expansion, runner
from campaigns.models import Campaign
from omnichannel import batch, delivery, outbox, recovery, trouble
from omnichannel.choices import JobStatus
from omnichannel.models import (
    ChannelProvider,
    GlobalVariable,
    Job,
    Message,
    Suppression,
    TemplateVersion,
)
from tests.factories import make_provider
from tests.factories_campaigns import make_campaign, make_people, make_published_template
from tests.faults.provider import Rule
from tests.faults.rows import make_relay, queue
from tests.omnichannel.scripted import Scripted, accept

PEOPLE = 12


def statuses() -> list[str]:
    return list(Message.objects.order_by("id").values_list("status", flat=True))


@pytest.fixture
def scripted(monkeypatch):
    from omnichannel import backends

    known = {**backends.registry(), Scripted.slug: Scripted}
    monkeypatch.setattr(backends, "registry", lambda: known)
    monkeypatch.setattr(batch, "LOOK_SECONDS", -1)
    Scripted.seen = []
    Scripted.answer = staticmethod(accept)
    return Scripted


@pytest.fixture
def begin(db):
    """A running campaign whose messages are written."""

    def start(provider: ChannelProvider, **values) -> Campaign:
        audience = make_people([f"p{number}@example.com" for number in range(PEOPLE)])
        campaign = make_campaign(provider=provider, audience=audience, **values)
        job = runner.start(campaign, by=None, at=timezone.now())
        expansion.expand(job, at=timezone.now(), until=float("inf"))
        return campaign

    return start


@pytest.mark.fault(36)
@pytest.mark.parametrize("seed", range(8))
def test_any_sequence_of_pauses_sends_each_message_once_and_nothing_while_paused(
    db, begin, scripted, seed
):
    dice = random.Random(seed)
    campaign = begin(make_provider(backend="scripted", bulk_no=dice.randint(1, 5)))
    while_paused = []

    def answer(message):
        if Job.objects.get().status == JobStatus.PAUSED:
            while_paused.append(message)
        elif dice.random() < 0.3:
            runner.pause(campaign, at=timezone.now())
        return accept(message)

    scripted.answer = answer
    for _ in range(2 * PEOPLE):
        delivery.drain()
        if len(scripted.seen) == PEOPLE:
            break
        if Job.objects.get().status == JobStatus.PAUSED:
            runner.resume(campaign, at=timezone.now())

    assert while_paused == []
    assert sorted(message.to for message in scripted.seen) == sorted(
        f"p{number}@example.com" for number in range(PEOPLE)
    )
    assert set(statuses()) == {"sent"}


@pytest.mark.fault(36)
@pytest.mark.parametrize("after", [1, 4, 11])
def test_a_cancel_in_the_middle_stops_at_once_and_cancels_exactly_the_rest(
    db, begin, scripted, after
):
    campaign = begin(make_provider(backend="scripted"))

    def answer(message):
        if len(scripted.seen) == after:
            runner.cancel(campaign, at=timezone.now())
        return accept(message)

    scripted.answer = answer

    delivery.drain()
    recovery.recover(timezone.now())

    assert statuses() == ["sent"] * after + ["cancelled"] * (PEOPLE - after)


@pytest.mark.fault(37)
def test_edits_during_a_campaign_do_not_reach_its_messages(db, begin, play, monkeypatch):
    monkeypatch.setattr(batch, "LOOK_SECONDS", -1)
    wire = play()
    GlobalVariable.objects.create(key="city", value="Ghent")
    template = make_published_template(
        subject="News from {{ global.city }}",
        html="<p>Dear {{ first_name }}</p>",
        compiled_html="<p>Dear {{ first_name }}</p>",
        compiled_text="Dear {{ first_name }}",
    )
    campaign = begin(make_relay(wire, bulk_no=3), template=template)

    delivery.send_provider(
        campaign.provider_id,
        ("promotional",),
        until=float("inf"),
        stopped=lambda: len(wire.accepted()) >= 4,
    )
    halfway = len(wire.accepted())
    GlobalVariable.objects.update(value="Bruges")
    template.published_version = TemplateVersion.objects.create(
        template=template, number=2, subject="Other", html="Other", compiled_html="Other"
    )
    template.save()
    campaign.audience.members.update(variables={"first_name": "Nobody"})
    delivery.drain()

    texts = [entry.text for entry in wire.entries("accepted")]
    assert 0 < halfway < PEOPLE == len(texts)
    assert all(text.startswith("News from Ghent\n<p>Dear Ana ") for text in texts)


@pytest.mark.fault(38)
def test_a_provider_switched_off_and_on_sends_all_without_a_tight_loop(db, play, judged):
    wire = play()
    provider = make_relay(wire, bulk_no=2)
    queue(provider, 8, timezone.now())

    for number in range(8):
        provider.is_active = number % 2 == 1
        provider.save()
        handled = delivery.drain()
        assert handled == 0 or provider.is_active

    assert statuses() == ["sent"] * 8
    assert judged() == []


@pytest.mark.fault(38)
def test_credentials_that_stop_working_stop_the_provider_once_and_fail_nothing(db, play, judged):
    wire = play(Rule("mail", "535 5.7.8 who are you", nth=(4,)))
    provider = make_relay(wire)
    queue(provider, 8, timezone.now())

    for _ in range(3):
        delivery.drain()
    provider.refresh_from_db()
    stopped, tried = statuses(), len(wire.entries("mail"))
    trouble.resume(provider)
    delivery.drain()

    assert provider.stopped_at is not None
    assert tried == 1
    assert set(stopped) == {"sent", "new"}
    assert statuses() == ["sent"] * 8
    assert judged() == []


@pytest.mark.fault(39)
def test_an_address_suppressed_during_a_campaign_gets_nothing_from_the_next_claim_on(
    db, begin, scripted
):
    begin(make_provider(backend="scripted", bulk_no=4))

    def answer(message):
        if len(scripted.seen) == 2:
            for number in range(PEOPLE):
                Suppression.objects.create(
                    channel_type="email", address=f"p{number}@example.com", reason="unsubscribe"
                )
        return accept(message)

    scripted.answer = answer

    delivery.drain()

    assert len(scripted.seen) == 4
    assert statuses() == ["sent"] * 4 + ["suppressed"] * (PEOPLE - 4)


@pytest.mark.fault(36)
def test_a_cancelled_message_in_hand_is_settled_by_its_answer(db, scripted):
    provider = make_provider(backend="scripted")
    queue(provider, 3, timezone.now())

    def answer(message):
        outbox.cancel(Message.objects.all(), at=timezone.now())
        return accept(message)

    scripted.answer = answer

    delivery.drain()

    assert statuses().count("sent") == len(scripted.seen)
    assert set(statuses()) <= {"sent", "cancelled"}
