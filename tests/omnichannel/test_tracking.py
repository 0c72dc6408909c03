from __future__ import annotations

import datetime
import itertools

import pytest

from omnichannel import tracking
from omnichannel.backends.base import TrackingEvent
from omnichannel.choices import EventType, MessageStatus, Outcome
from tests.factories import NOW, make_message, make_provider


def event(message, type_, **values) -> TrackingEvent:
    return TrackingEvent(type=type_, at=NOW, key=str(message.key), **values)


def test_a_delivery_report_moves_a_sent_message_forward(db):
    message = make_message(status="sent")

    tracking.record(message.provider, [event(message, EventType.DELIVERED)], at=NOW)

    message.refresh_from_db()
    assert message.status == MessageStatus.DELIVERED
    assert message.events.get().status == "delivered"


def test_an_open_is_a_note_only(db):
    message = make_message(status="sent")

    tracking.record(message.provider, [event(message, EventType.OPENED)], at=NOW)

    message.refresh_from_db()
    assert message.status == MessageStatus.SENT
    assert message.events.get().type == "opened"


def test_a_temporary_bounce_does_not_fail_a_message(db):
    message = make_message(status="sent")
    bounce = event(message, EventType.BOUNCED, outcome=Outcome.TEMPORARY)

    tracking.record(message.provider, [bounce], at=NOW)

    message.refresh_from_db()
    assert message.status == MessageStatus.SENT


def test_a_repeated_event_is_kept_once(db):
    message = make_message(status="sent")
    click = event(message, EventType.CLICKED, event_id="e1", url="https://example.com/a")

    for _ in range(3):
        tracking.record(message.provider, [click], at=NOW)

    assert message.events.get().url == "https://example.com/a"


def test_an_event_is_matched_by_the_providers_id_when_our_key_is_missing(db):
    message = make_message(status="sent", external_id="x1")
    report = TrackingEvent(type=EventType.DELIVERED, at=NOW, external_id="x1")

    tracking.record(message.provider, [report], at=NOW)

    message.refresh_from_db()
    assert message.status == MessageStatus.DELIVERED


def test_another_providers_event_touches_nothing(db):
    message = make_message(status="sent")

    kept = tracking.record(make_provider(), [event(message, EventType.DELIVERED)], at=NOW)

    message.refresh_from_db()
    assert (kept, message.status) == (0, MessageStatus.SENT)


def test_a_report_settles_an_uncertain_message(db):
    message = make_message(status="uncertain")

    tracking.record(message.provider, [event(message, EventType.DELIVERED)], at=NOW)

    message.refresh_from_db()
    assert message.status == MessageStatus.DELIVERED


@pytest.mark.parametrize(
    "order",
    list(itertools.permutations([EventType.DELIVERED, EventType.BOUNCED, EventType.OPENED])),
)
def test_any_order_of_events_ends_in_the_same_state(db, order):
    message = make_message(status="sent")

    for number, type_ in enumerate([*order, *order]):
        at = NOW + datetime.timedelta(seconds=number)
        tracking.record(message.provider, [event(message, type_, event_id=type_)], at=at)

    message.refresh_from_db()
    assert message.status == MessageStatus.FAILED
    assert message.events.count() == 3
