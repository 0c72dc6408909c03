"""Delivery reports come late, twice and in any order."""

from __future__ import annotations

import datetime
import itertools
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omnichannel import receipts
from omnichannel.backends.base import TrackingEvent
from omnichannel.choices import EventType, Outcome
from omnichannel.models import Message, MessageEvent, ReceivedEvent, Suppression
from tests.factories import NOW, make_lane, make_message, make_provider
from tests.faults.forked import Child
from tests.faults.oracle import snapshot

DAY = datetime.timedelta(days=1)

# (event, its place in the provider's own time)
EVENTS = [
    (EventType.DELIVERED, {}),
    (EventType.BOUNCED, {"outcome": Outcome.TEMPORARY}),
    (EventType.BOUNCED, {"outcome": Outcome.REJECTED, "code": "550"}),
    (EventType.OPENED, {}),
    (EventType.CLICKED, {"url": "https://example.com/a"}),
    (EventType.COMPLAINED, {}),
]


@pytest.fixture
def sent(db):
    """A sent message for each order in which six events can come."""
    provider = make_provider()
    lane = make_lane(provider)
    Message.objects.bulk_create(
        Message(
            provider=provider,
            lane=lane,
            to_address=f"p{number}@example.com",
            created_at=NOW,
            status="sent",
        )
        for number in range(720)
    )
    return provider


def receipt(message: Message, number: int) -> TrackingEvent:
    type_, more = EVENTS[number]
    at = NOW + datetime.timedelta(seconds=number)
    return TrackingEvent(type_, at, key=str(message.key), event_id=f"{message.pk}-{number}", **more)


def tell(provider, orders) -> None:
    """One report per step, with the next event of every message."""
    messages = list(Message.objects.order_by("id"))
    for step in range(len(EVENTS)):
        told = [receipt(row, order[step]) for row, order in zip(messages, orders, strict=True)]
        receipts.record(provider, told, at=NOW)


@pytest.mark.fault(30)
def test_six_events_end_in_the_same_state_in_every_order_and_when_replayed(sent):
    orders = list(itertools.permutations(range(len(EVENTS))))

    tell(sent, orders)
    once = snapshot()
    said = Suppression.objects.values_list("reason", "created_at", "lifted_at", "note")
    words, barred = set(said), said.count()
    tell(sent, orders[::-1])

    assert set(once[:-1]) == {("failed", "550", "The provider reported: bounced.")}
    assert once[-1] == 720 * len(EVENTS)
    assert barred == 2 * 720
    assert len(words) == 2  # the same of everybody, in whatever order they came
    assert snapshot() == once
    assert (set(said), said.count()) == (words, barred)


KINDS = [
    ("delivered", {}),
    ("opened", {}),
    ("deferred", {"outcome": "temporary"}),
    ("bounced", {"outcome": "temporary", "code": "452"}),
    ("bounced", {"outcome": "rejected", "code": "550", "description": "no such user"}),
    ("failed", {"code": "554", "description": "spam"}),
    ("rejected", {"reason": "bounce", "description": "dropped"}),
    ("complained", {}),
    ("unsubscribed", {}),
    ("subscribed", {}),
    ("unknown", {}),
]
TOLD = st.lists(
    st.tuples(st.sampled_from(range(len(KINDS))), st.integers(0, 3)), min_size=1, max_size=7
)


def ended(status: str, events: list[TrackingEvent], chunks: list[int]) -> tuple:
    """What a message and its address come to when events are told so, in groups of these sizes."""
    for model in (ReceivedEvent, MessageEvent, Suppression):
        model.objects.all().delete()
    message = Message.objects.get()
    Message.objects.update(status=status, error_code="", error_message="")
    left = list(events)
    for size in chunks:
        receipts.store(message.provider, left[:size], at=NOW)
        left = left[size:]
        receipts.apply_due(NOW + DAY, time.monotonic() + 60, lambda: False)
    message.refresh_from_db()
    columns = ("type", "at", "event_id", "status", "code", "description")
    words = ("address", "category", "reason", "note", "created_at", "lifted_at", "message_id")
    return (
        (message.status, message.error_code, message.error_message),
        sorted(MessageEvent.objects.values_list(*columns)),
        sorted(map(str, Suppression.objects.values_list(*words))),
        ReceivedEvent.objects.count(),
    )


@pytest.mark.fault(30)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(status=st.sampled_from(["sent", "uncertain", "delivered"]), told=TOLD, random=st.randoms())
def test_any_events_in_any_order_and_repetition_end_in_the_same_state(one, status, told, random):
    key = str(Message.objects.get().key)
    events = []
    for number, (kind, second) in enumerate(told):
        type_, more = KINDS[kind]
        at = NOW + datetime.timedelta(seconds=second)
        # Some without an id of the vendor's: what they say is their id.
        event_id = f"e{number}" if number % 3 else ""
        events.append(TrackingEvent(type_, at, key=key, event_id=event_id, **more))
    wanted = ended(status, events, [len(events)])

    shuffled = events + random.choices(events, k=random.randrange(4))
    random.shuffle(shuffled)

    assert ended(status, shuffled, [1] * len(shuffled)) == wanted
    assert ended(status, shuffled[::-1], [2] * len(shuffled)) == wanted


@pytest.fixture
def one(db):
    return make_message(status="sent", category="promotional")


def _apply_all() -> None:
    for _ in range(200):
        receipts.apply_due(NOW + DAY, time.monotonic() + 60, lambda: False)
        if not ReceivedEvent.objects.filter(due_at__lte=NOW + DAY).exists():
            return


@pytest.mark.fault(30)
def test_several_workers_at_once_come_to_the_same_end(shared, monkeypatch):
    monkeypatch.setattr(receipts, "CHUNK", 7)
    provider = make_provider()
    rows = [make_message(provider=provider, status="sent") for _ in range(40)]
    told = [
        TrackingEvent(
            type_,
            NOW + datetime.timedelta(seconds=second),
            key=str(row.key),
            event_id=f"{row.pk}-{number}",
            description=f"word {number}",
        )
        for row in rows
        for number, (type_, second) in enumerate(
            [("bounced", 5), ("delivered", 1), ("bounced", 3), ("opened", 9), ("failed", 4)]
        )
    ]
    receipts.store(provider, told[::2] + told[1::2], at=NOW)

    workers = [Child(_apply_all) for _ in range(3)]

    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    ends = set(Message.objects.values_list("status", "error_message"))
    assert ends == {("failed", "word 2")}
    assert MessageEvent.objects.count() == len(told)
    assert not ReceivedEvent.objects.exists()
    assert Suppression.objects.in_force().count() == len(rows)
