from __future__ import annotations

import dataclasses
import datetime
import itertools
import time

import pytest

from omnichannel import preferences, receipts
from omnichannel.backends.base import TrackingEvent
from omnichannel.choices import Category, EventType, MessageStatus, Outcome
from omnichannel.models import Message, Suppression
from tests.factories import NOW, make_message, make_provider

DAY = datetime.timedelta(days=1)


def event(message, type_, **values) -> TrackingEvent:
    return TrackingEvent(type=type_, at=NOW, key=str(message.key), **values)


def test_a_delivery_report_moves_a_sent_message_forward(db):
    message = make_message(status="sent")

    receipts.record(message.provider, [event(message, EventType.DELIVERED)], at=NOW)

    message.refresh_from_db()
    assert message.status == MessageStatus.DELIVERED
    assert message.events.get().status == "delivered"


@pytest.mark.parametrize("type_", [EventType.OPENED, EventType.CLICKED])
@pytest.mark.parametrize("status", ["sent", "uncertain"])
def test_who_opens_or_clicks_has_the_message(db, type_, status):
    message = make_message(status=status)

    receipts.record(message.provider, [event(message, type_)], at=NOW)

    message.refresh_from_db()
    assert message.status == MessageStatus.DELIVERED
    assert message.events.get().type == type_


@pytest.mark.parametrize("type_", [EventType.UNSUBSCRIBED, EventType.SUBSCRIBED])
def test_unsubscribing_says_nothing_about_the_way_of_a_message(db, type_):
    message = make_message(status="uncertain")

    receipts.record(message.provider, [event(message, type_)], at=NOW)

    message.refresh_from_db()
    assert message.status == MessageStatus.UNCERTAIN


@pytest.mark.parametrize(
    ("category", "may_opt_out", "barred"),
    [
        ("otp", True, "promotional"),
        ("transactional", True, "transactional"),
        ("transactional", False, "promotional"),
    ],
)
def test_a_vendor_bars_from_no_category_that_is_not_the_recipients_to_refuse(
    db, settings, category, may_opt_out, barred
):
    settings.TRANSACTIONAL_OPT_OUT = may_opt_out
    message = make_message(status="sent", category=category)

    receipts.record(message.provider, [event(message, EventType.UNSUBSCRIBED)], at=NOW)

    assert Suppression.objects.get().category == barred


@pytest.mark.parametrize(
    ("type_", "wants", "state"),
    [
        (EventType.SUBSCRIBED, False, preferences.OFF),
        (EventType.UNSUBSCRIBED, True, preferences.ON),
    ],
)
def test_a_vendors_fast_clock_does_not_outrun_what_the_recipient_says_next(db, type_, wants, state):
    message = make_message(status="sent", category="promotional")
    minute = datetime.timedelta(minutes=1)
    fast = dataclasses.replace(event(message, type_), at=NOW + 4 * minute)
    receipts.record(message.provider, [fast], at=NOW)

    preferences.choose(message, {Category.PROMOTIONAL: wants}, how="page", at=NOW + minute)

    assert preferences.standing(message)[Category.PROMOTIONAL] == state


def test_a_temporary_bounce_does_not_fail_a_message(db):
    message = make_message(status="sent")
    bounce = event(message, EventType.BOUNCED, outcome=Outcome.TEMPORARY)

    receipts.record(message.provider, [bounce], at=NOW)

    message.refresh_from_db()
    assert message.status == MessageStatus.SENT


def test_a_repeated_event_is_kept_once(db):
    message = make_message(status="sent")
    click = event(message, EventType.CLICKED, event_id="e1", url="https://example.com/a")

    for _ in range(3):
        receipts.record(message.provider, [click], at=NOW)

    assert message.events.get().url == "https://example.com/a"


def test_an_event_is_matched_by_the_providers_id_when_our_key_is_missing(db):
    message = make_message(status="sent", external_id="x1")
    report = TrackingEvent(type=EventType.DELIVERED, at=NOW, external_id="x1")

    receipts.record(message.provider, [report], at=NOW)

    message.refresh_from_db()
    assert message.status == MessageStatus.DELIVERED


def test_another_providers_event_touches_nothing(db):
    message = make_message(status="sent")

    kept = receipts.record(make_provider(), [event(message, EventType.DELIVERED)], at=NOW)

    message.refresh_from_db()
    assert (kept, message.status) == (0, MessageStatus.SENT)


def test_a_report_settles_an_uncertain_message(db):
    message = make_message(status="uncertain")

    receipts.record(message.provider, [event(message, EventType.DELIVERED)], at=NOW)

    message.refresh_from_db()
    assert message.status == MessageStatus.DELIVERED


@pytest.mark.parametrize(
    "order",
    list(itertools.permutations([EventType.DELIVERED, EventType.BOUNCED, EventType.OPENED])),
)
@pytest.mark.fault(30)
def test_any_order_of_events_ends_in_the_same_state(db, order):
    message = make_message(status="sent")

    for number, type_ in enumerate([*order, *order]):
        at = NOW + datetime.timedelta(seconds=number)
        receipts.record(message.provider, [event(message, type_, event_id=type_)], at=at)

    message.refresh_from_db()
    assert message.status == MessageStatus.FAILED
    assert message.events.count() == 3


@pytest.mark.parametrize("type_", [EventType.DELIVERED, EventType.BOUNCED])
@pytest.mark.fault(29)
def test_a_report_that_is_faster_than_the_answer_to_the_hand_over_waits_for_it(db, type_):
    message = make_message(status="sending", claimed_by="a worker")
    receipts.record(message.provider, [event(message, type_, event_id="e1")], at=NOW)
    message.refresh_from_db()
    waited = message.status
    Message.objects.filter(pk=message.pk).update(status="sent")

    receipts.apply_due(NOW + DAY, time.monotonic() + 60, lambda: False)

    message.refresh_from_db()
    assert waited == MessageStatus.SENDING
    assert message.status == {"delivered": "delivered", "bounced": "failed"}[type_]


def test_a_repeated_bounce_does_not_fail_what_was_sent_again_since(db):
    message = make_message(status="sent")
    bounce = event(message, EventType.BOUNCED, event_id="e1")
    receipts.record(message.provider, [bounce], at=NOW)
    Message.objects.filter(pk=message.pk).update(status="sent")

    kept = receipts.record(message.provider, [bounce], at=NOW)

    message.refresh_from_db()
    assert (kept, message.status) == (0, MessageStatus.SENT)
