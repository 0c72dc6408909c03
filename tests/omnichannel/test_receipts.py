"""Events that were received: how they find their message, and what they say of an address."""

from __future__ import annotations

import datetime
import time
import uuid

import pytest
from django.db import IntegrityError

from omnichannel import receipts, tracking
from omnichannel.backends.base import TrackingEvent
from omnichannel.choices import EventType, Outcome
from omnichannel.models import Message, MessageEvent, ProviderStatus, ReceivedEvent, Suppression
from tests.factories import NOW, make_message, make_provider

pytestmark = pytest.mark.django_db
SECOND, HOUR = datetime.timedelta(seconds=1), datetime.timedelta(hours=1)
BOUNCE = {"outcome": Outcome.REJECTED}


def told(message=None, type_=EventType.DELIVERED, **values) -> TrackingEvent:
    values = {"at": NOW, "key": str(message.key) if message else "", **values}
    return TrackingEvent(type=type_, **values)


def store(provider, *events, at=NOW) -> int:
    return receipts.store(provider, events, at=at)


def apply(at=NOW) -> int:
    return receipts.apply_due(at, time.monotonic() + 60, lambda: False)


def barred() -> list[tuple]:
    rows = Suppression.objects.in_force().order_by("address", "reason")
    return list(rows.values_list("address", "reason", "category", "message_id"))


def test_stored_events_are_applied_by_the_tick_and_then_gone():
    message = make_message(status="sent")
    store(message.provider, told(message, event_id="e1", code="delivered", description="250 OK"))

    count = apply()

    message.refresh_from_db()
    event = message.events.get()
    assert (count, message.status) == (1, "delivered")
    assert (event.event_id, event.code, event.description, event.at) == (
        "e1",
        "delivered",
        "250 OK",
        NOW,
    )
    assert not ReceivedEvent.objects.exists()


@pytest.mark.fault(29)
def test_an_event_that_overtakes_its_message_waits_with_growing_pauses():
    provider = make_provider()
    store(provider, told(external_id="x1", event_id="e1"))
    pauses = []
    at = NOW
    for _ in range(4):
        apply(at)
        row = ReceivedEvent.objects.get()
        pauses.append((row.due_at - at).total_seconds())
        at = row.due_at
    message = make_message(provider=provider, status="sent", external_id="x1")

    apply(at)

    message.refresh_from_db()
    assert message.status == "delivered"
    assert [round(pause) for pause in pauses] == [2, 6, 18, 54]


@pytest.mark.fault(29)
def test_an_event_by_our_key_waits_for_its_message_as_well():
    provider, key = make_provider(), uuid.uuid4()
    store(provider, told(key=str(key), event_id="e1"))
    apply()
    message = make_message(provider=provider, status="sent", key=key)

    apply(NOW + HOUR)

    message.refresh_from_db()
    assert message.status == "delivered"


def test_an_event_without_a_message_is_given_up_after_a_day_and_kept():
    provider = make_provider()
    store(provider, told(external_id="x1", event_id="e1"))
    for hours in (0, 12, 25):
        apply(NOW + hours * HOUR)

    row = ReceivedEvent.objects.get()

    assert (row.due_at, row.event_id) == (None, "e1")
    assert receipts.counts() == {"waiting": 0, "unmatched": 1}
    assert apply(NOW + 50 * HOUR) == 0


def test_an_event_that_names_nothing_is_given_up_at_once():
    store(make_provider(), told(event_id="e1"), told(key="not a key", event_id="e2"))

    apply()

    assert receipts.counts() == {"waiting": 0, "unmatched": 2}


def test_another_providers_event_touches_nothing():
    message = make_message(status="sent", external_id="x1")
    other = make_provider()
    store(other, told(message, event_id="e1"), told(external_id="x1", event_id="e2"))

    apply()

    message.refresh_from_db()
    assert (message.status, message.events.count()) == ("sent", 0)


def test_events_without_an_id_are_the_same_when_they_say_the_same():
    message = make_message(status="sent")
    click = told(message, EventType.CLICKED, url="https://example.com/a")
    other = told(message, EventType.CLICKED, url="https://example.com/b")

    for _ in range(3):
        store(message.provider, click, other)
        apply()

    assert message.events.count() == 2


def test_an_id_that_is_too_long_is_not_cut_into_another():
    message = make_message(status="sent")
    long = "x" * 200

    store(message.provider, *[told(message, event_id=long + end) for end in "aabc"])
    apply()

    assert message.events.count() == 3


@pytest.mark.parametrize(
    ("at", "kept"),
    [
        (NOW + 4 * datetime.timedelta(minutes=1), NOW + 4 * datetime.timedelta(minutes=1)),
        (NOW + HOUR, NOW),
        (datetime.datetime.max.replace(tzinfo=datetime.UTC), NOW),
        (NOW.replace(tzinfo=None), NOW),
        (
            datetime.datetime.min.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=9))),
            NOW,
        ),
    ],
)
def test_a_vendors_clock_cannot_be_far_ahead(at, kept):
    store(make_provider(), told(event_id="e1", at=at))

    assert ReceivedEvent.objects.get().at == kept


def test_whatever_letters_a_vendor_sends_are_kept_as_far_as_they_can_be():
    bad = "a\0b\ud800" * 1000

    store(
        make_provider(),
        TrackingEvent(
            "nonsense", NOW, bad, bad, bad, bad, bad, bad, True, "nonsense", bad, "nonsense"
        ),
    )

    row = ReceivedEvent.objects.get()
    assert (row.type, row.outcome, row.reason, row.is_machine) == ("unknown", "", "", True)
    assert len(row.external_id) == 255


@pytest.mark.parametrize(
    ("type_", "values", "wanted"),
    [
        (EventType.BOUNCED, BOUNCE, [("bounce", "")]),
        (EventType.BOUNCED, {"outcome": Outcome.TEMPORARY}, []),
        (EventType.FAILED, BOUNCE, []),
        (EventType.REJECTED, {"reason": "bounce"}, [("bounce", "")]),
        (EventType.REJECTED, {"reason": "unsubscribe"}, [("unsubscribe", "promotional")]),
        (EventType.REJECTED, {}, []),
        (EventType.DEFERRED, {}, []),
        (EventType.COMPLAINED, {}, [("complaint", "")]),
        (EventType.UNSUBSCRIBED, {}, [("unsubscribe", "promotional")]),
        (EventType.OPENED, {}, []),
    ],
)
def test_what_is_said_of_an_address(type_, values, wanted):
    message = make_message(status="sent", to_address="Ann@example.com", category="promotional")
    store(message.provider, told(message, type_, event_id="e1", **values))

    apply()

    assert barred() == [("ann@example.com", *each, message.pk) for each in wanted]


def test_who_subscribes_again_is_written_to_again():
    message = make_message(status="sent", category="promotional")
    provider = message.provider
    store(provider, told(message, EventType.SUBSCRIBED, event_id="e2", at=NOW + SECOND))
    store(provider, told(message, EventType.UNSUBSCRIBED, event_id="e1"))
    store(provider, told(message, EventType.BOUNCED, event_id="e3", **BOUNCE))

    apply(NOW + HOUR)

    assert [row[1] for row in barred()] == ["bounce"]


def test_a_bounce_of_nobodys_message_bars_its_address_at_once():
    provider = make_provider()
    bounce = told(type_=EventType.BOUNCED, event_id="e1", address="Ann@example.com", **BOUNCE)
    unknown = told(
        type_=EventType.COMPLAINED, event_id="e2", address="bob@example.com", key=str(uuid.uuid4())
    )

    store(provider, bounce, unknown)
    apply()

    assert barred() == [
        ("ann@example.com", "bounce", "", None),
        ("bob@example.com", "complaint", "", None),
    ]


@pytest.mark.parametrize(
    ("type_", "reason"), [(EventType.UNSUBSCRIBED, ""), (EventType.REJECTED, "unsubscribe")]
)
def test_an_unsubscribing_waits_for_the_category_of_its_message_and_goes_without_at_the_end(
    type_, reason
):
    provider = make_provider()
    early = told(type_=type_, reason=reason, external_id="x1", address="ann@example.com")
    store(provider, early)
    apply()
    before = barred()

    apply(NOW + 25 * HOUR)

    assert before == []
    assert barred() == [("ann@example.com", "unsubscribe", "promotional", None)]


@pytest.mark.parametrize("address", ["", "nobody", "a b@example.com", "x" * 400])
def test_an_address_that_cannot_be_one_bars_nobody(address):
    store(make_provider(), told(type_=EventType.COMPLAINED, event_id="e1", address=address))

    apply()

    assert barred() == []


def test_a_bounce_of_a_copy_bars_that_address_and_does_not_fail_the_message():
    message = make_message(status="sent", cc_addresses="cc@example.com; dd@example.com")
    store(
        message.provider,
        told(message, EventType.BOUNCED, event_id="e1", address="DD@example.com", **BOUNCE),
    )

    apply()

    message.refresh_from_db()
    assert message.status == "sent"
    assert [row[:2] for row in barred()] == [("dd@example.com", "bounce")]


def test_several_messages_of_one_id_are_told_apart_by_the_recipient():
    provider = make_provider()
    rows = [
        make_message(
            provider=provider, status="sent", external_id="x1", to_address=f"{name}@example.com"
        )
        for name in ("ann", "bob")
    ]
    store(provider, told(external_id="x1", event_id="e1", address="BOB@example.com"))

    apply()

    assert [Message.objects.get(pk=row.pk).status for row in rows] == ["sent", "delivered"]


def test_what_an_operator_made_of_a_code_is_honoured():
    message = make_message(status="sent", provider=make_provider(backend="sendgrid"))
    ProviderStatus.objects.create(provider=message.provider, code="bounce", outcome="temporary")
    store(
        message.provider, told(message, EventType.BOUNCED, event_id="e1", code="bounce", **BOUNCE)
    )

    apply()

    message.refresh_from_db()
    assert (message.status, barred()) == ("sent", [])


def test_an_unknown_code_is_added_to_the_providers_table():
    message = make_message(status="sent")
    store(message.provider, told(message, EventType.FAILED, event_id="e1", code="brand_new"))

    apply()

    row = message.provider.statuses.get(code="brand_new")
    assert (row.is_classified, row.outcome) == (False, "rejected")


@pytest.mark.parametrize(
    ("status", "type_", "after"),
    [
        ("uncertain", EventType.QUEUED, "sent"),
        ("uncertain", EventType.DEFERRED, "sent"),
        ("uncertain", EventType.COMPLAINED, "sent"),
        ("uncertain", EventType.DELIVERED, "delivered"),
        ("uncertain", EventType.CLICKED, "delivered"),
        ("uncertain", EventType.FAILED, "failed"),
        ("uncertain", EventType.UNKNOWN, "uncertain"),
        ("delivered", EventType.QUEUED, "delivered"),
        ("delivered", EventType.BOUNCED, "failed"),
        ("failed", EventType.DELIVERED, "failed"),
        ("cancelled", EventType.DELIVERED, "cancelled"),
        ("new", EventType.BOUNCED, "new"),
    ],
)
def test_a_status_moves_forward_only(status, type_, after):
    message = make_message(status=status)
    store(message.provider, told(message, type_, event_id="e1"))

    apply()

    message.refresh_from_db()
    assert message.status == after
    assert message.events.count() == 1


def test_the_words_of_an_attempt_that_failed_stay():
    message = make_message(status="failed", error_code="550", error_message="no such user")
    store(message.provider, told(message, EventType.BOUNCED, event_id="e1", description="gone"))

    apply()

    message.refresh_from_db()
    assert (message.error_code, message.error_message) == ("550", "no such user")


def test_many_are_applied_in_several_steps_and_a_stop_is_heeded(monkeypatch):
    monkeypatch.setattr(receipts, "CHUNK", 10)
    message = make_message(status="sent")
    store(message.provider, *[told(message, EventType.OPENED, event_id=str(n)) for n in range(25)])
    looks = iter([False, True])

    receipts.apply_due(NOW, time.monotonic() + 60, lambda: next(looks))
    first = MessageEvent.objects.count()
    apply()

    assert (first, MessageEvent.objects.count()) == (10, 25)


@pytest.mark.parametrize("fault", [IntegrityError, KeyError])
def test_an_event_that_cannot_be_applied_stops_no_other(monkeypatch, fault):
    message = make_message(status="sent")
    store(message.provider, *[told(message, EventType.OPENED, event_id=str(n)) for n in range(5)])
    whole = tracking.apply

    def without_three(events):
        if any(each.event_id == "3" for each in events):
            raise fault("it does not fit")
        return whole(events)

    monkeypatch.setattr(tracking, "apply", without_three)

    apply()
    apply(NOW + 25 * HOUR)

    assert set(message.events.values_list("event_id", flat=True)) == {"0", "1", "2", "4"}
    assert receipts.counts() == {"waiting": 0, "unmatched": 1}
