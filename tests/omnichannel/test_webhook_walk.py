"""What happened becomes deliveries: each event once for each webhook that wants it."""

from __future__ import annotations

import json
import threading
import time

import pytest
from django.db import connection, transaction

from omnichannel import delivery, hits, notices, outbox, recovery, webhook_walk
from omnichannel.backends.base import TrackingEvent
from omnichannel.choices import Category, EventType, MessageStatus, Outcome, WebhookEvent
from omnichannel.models import (
    Message,
    MessageEvent,
    WebhookCursor,
    WebhookDelivery,
    WebhookNotice,
)
from omnichannel.receipts import record
from tests.factories import NOW, make_message, make_provider
from tests.factories_outgoing_webhooks import make_outgoing_webhook
from tests.omnichannel.scripted import results

pytestmark = pytest.mark.django_db
HOUR = NOW.resolution * 3_600_000_000


def walk(at=NOW) -> int:
    return webhook_walk.walk(at, time.monotonic() + 60, lambda: False)


def told() -> list[str]:
    return list(WebhookDelivery.objects.order_by("pk").values_list("type", flat=True))


def happen(message, type_=EventType.DELIVERED, **values) -> MessageEvent:
    values = {"at": NOW, "status": message.status, **values}
    return MessageEvent.objects.create(
        message=message, provider=message.provider, type=type_, **values
    )


@pytest.fixture
def webhook(db):
    """One that is told everything from now on."""
    row = make_outgoing_webhook()
    webhook_walk.begin()
    return row


def test_what_was_before_the_first_webhook_is_never_told():
    message = make_message()
    happen(message)
    make_outgoing_webhook()

    assert walk() == 0
    happen(message, EventType.OPENED)
    assert walk() == 1
    assert told() == ["message.opened"]


def test_an_event_is_told_once_however_often_the_tick_runs(webhook):
    happen(make_message())

    assert [walk(), walk(), walk()] == [1, 0, 0]


def test_the_payload_names_the_message_and_never_what_it_says(webhook):
    message = make_message(
        to_address="Ann@Example.com",
        subject="Secret",
        body_text="Secret",
        variables={"a": "Secret"},
    )
    happen(
        message,
        EventType.CLICKED,
        status="delivered",
        url="https://shop.example.com/",
        is_machine=True,
    )

    walk()

    row = WebhookDelivery.objects.get()
    body = json.loads(row.body)
    assert body["type"] == "message.clicked"
    assert body["timestamp"] == "2026-03-02T12:00:00+00:00"
    assert body["data"]["message"]["key"] == str(message.key)
    assert body["data"]["message"]["to"] == "Ann@Example.com"
    assert body["data"]["message"]["status"] == "delivered"
    assert body["data"]["url"] == "https://shop.example.com/"
    assert body["data"]["by_machine"] is True
    assert "Secret" not in row.body
    assert (row.address, row.message_id) == ("ann@example.com", message.pk)
    assert row.event_id.startswith("msg_")


def test_each_webhook_gets_what_it_wants_under_the_same_id(webhook):
    make_outgoing_webhook(event_types=["message.opened"])
    make_outgoing_webhook(is_active=False)
    make_outgoing_webhook(stopped_at=NOW)
    make_outgoing_webhook(categories=["promotional"])
    message = make_message()
    happen(message, EventType.DELIVERED)
    happen(message, EventType.OPENED)

    walk()

    assert sorted(told()) == ["message.delivered", "message.opened", "message.opened"]
    opened = WebhookDelivery.objects.filter(type="message.opened")
    assert len(set(opened.values_list("event_id", flat=True))) == 1


def test_categories_choose_among_messages(webhook):
    type(webhook).objects.update(categories=["promotional"])
    happen(make_message())
    happen(make_message(category=Category.PROMOTIONAL))

    assert walk() == 1


@pytest.mark.parametrize(
    ("type_", "status", "event"),
    [
        (EventType.SENT, "sent", "message.sent"),
        (EventType.DEFERRED, "error", "message.deferred"),
        (EventType.REJECTED, "failed", "message.failed"),
        (EventType.FAILED, "failed", "message.failed"),
        (EventType.BOUNCED, "failed", "message.bounced"),
        (EventType.COMPLAINED, "sent", "message.complained"),
        (EventType.UNSUBSCRIBED, "", "message.unsubscribed"),
        (EventType.UNKNOWN, "uncertain", "message.uncertain"),
        (EventType.UNKNOWN, "new", None),
        (EventType.QUEUED, "sent", None),
        (EventType.SUBSCRIBED, "", None),
    ],
)
def test_events_have_their_names_outside(webhook, type_, status, event):
    happen(make_message(), type_, status=status)

    walk()

    assert told() == ([event] if event else [])


def test_a_message_that_is_sent_is_told_of(webhook, scripted):
    message = make_message(provider=make_provider(backend="scripted"))
    scripted.answer = staticmethod(results(Outcome.REJECTED, "550", "No such user"))

    delivery.deliver_now(message, at=NOW)
    walk()

    assert told() == ["message.failed"]
    assert json.loads(WebhookDelivery.objects.get().body)["data"]["description"] == "No such user"


def test_what_a_vendor_and_a_reader_tell_is_told_on(webhook):
    message = make_message(status="sent")
    record(
        message.provider,
        [TrackingEvent(type=EventType.DELIVERED, at=NOW, key=str(message.key), event_id="e1")],
        at=NOW,
    )
    hits.write(message, EventType.OPENED, at=NOW)

    walk()

    assert told() == ["message.delivered", "message.opened"]


def test_expired_cancelled_and_left_messages_are_told_of(webhook):
    make_message(status="new", expires_at=NOW - HOUR)
    cancelled = make_message(status="new")
    make_message(status="sending", lease_until=NOW - HOUR, claimed_by="w")

    recovery.expire(NOW)
    outbox.cancel(Message.objects.filter(pk=cancelled.pk), at=NOW)
    recovery.recover(NOW)
    walk()

    assert told() == ["message.expired", "message.cancelled", "message.uncertain"]
    body = json.loads(WebhookDelivery.objects.get(type="message.cancelled").body)
    assert body["data"]["message"]["status"] == "cancelled"
    assert not WebhookNotice.objects.exists()


def test_a_message_that_is_suppressed_when_submitted_is_told_of(webhook):
    from omnichannel.models import Suppression
    from omnichannel.submissions import Submission, accept

    Suppression.objects.create(channel_type="email", address="no@example.com", reason="manual")
    recipients = [{"to_address": f"{name}@example.com"} for name in ("yes", "no")]

    accept(Submission(recipients=recipients, body_text="Hi", provider=make_provider().pk), at=NOW)
    walk()

    assert [row.address for row in WebhookDelivery.objects.filter(type="message.suppressed")] == [
        "no@example.com"
    ]


def test_a_message_that_is_suppressed_when_queued_is_told_of(webhook):
    from omnichannel.models import Suppression

    Suppression.objects.create(channel_type="email", address="no@example.com", reason="manual")
    message = Message(provider=make_provider(), to_address="no@example.com", body_text="Hello")

    outbox.enqueue(message, at=NOW)
    walk()

    assert message.status == MessageStatus.SUPPRESSED
    assert told() == ["message.suppressed"]


def test_nothing_is_noted_for_nobody():
    make_outgoing_webhook(event_types=["message.sent"])
    make_message(status="new", expires_at=NOW - HOUR)

    assert recovery.expire(NOW) == 1

    assert not WebhookNotice.objects.exists()


def test_only_what_really_moved_is_noted(webhook):
    done = make_message(status="sent")
    waiting = make_message(status="new")

    moved = notices.move(Message.objects.all(), MessageStatus.CANCELLED, at=NOW)

    assert moved == 1
    assert list(WebhookNotice.objects.values_list("message_id", flat=True)) == [waiting.pk]
    done.refresh_from_db()
    assert done.status == "sent"


def test_a_message_that_is_gone_is_not_told_of(webhook):
    message = make_message(status="new")
    outbox.cancel(Message.objects.filter(pk=message.pk), at=NOW)
    message.delete()

    assert walk() == 0
    assert not WebhookNotice.objects.exists()


def test_while_nobody_listens_nothing_gathers(webhook):
    happen(make_message())
    notices.say(WebhookEvent.CAMPAIGN_FINISHED, dict, at=NOW)
    type(webhook).objects.update(is_active=False)

    assert walk() == 0
    assert not WebhookNotice.objects.exists()
    type(webhook).objects.update(is_active=True)
    assert walk() == 0


def test_a_long_way_is_walked_in_steps(webhook, monkeypatch):
    monkeypatch.setattr(webhook_walk, "WINDOW", 3)
    monkeypatch.setattr(webhook_walk, "CHUNK", 2)
    message = make_message()
    for number in range(11):
        happen(message, EventType.SUBSCRIBED if number in (3, 4, 5) else EventType.OPENED)

    walk()

    assert len(told()) == 8


def test_ids_that_nobody_has_are_passed_over(webhook, monkeypatch):
    monkeypatch.setattr(webhook_walk, "WINDOW", 3)
    message = make_message()
    happen(message, EventType.OPENED)
    happen(message, EventType.OPENED, id=10**9)

    walk()

    assert len(told()) == 2


def test_an_idle_tick_asks_little(webhook, django_assert_max_num_queries):
    walk()

    with django_assert_max_num_queries(12):
        walk()
    type(webhook).objects.all().delete()
    walk()
    with django_assert_max_num_queries(3):
        walk()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_an_event_that_is_committed_late_is_not_lost():
    make_outgoing_webhook()
    webhook_walk.begin()
    message = make_message()
    written, may_commit = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            happen(message, EventType.DELIVERED)  # has the lower id
            written.set()
            may_commit.wait(20)
        connection.close()

    writer = threading.Thread(target=slow)
    writer.start()
    assert written.wait(20)
    happen(message, EventType.OPENED)

    assert walk() == 0
    may_commit.set()
    writer.join()
    walk()

    assert told() == ["message.delivered", "message.opened"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_writers_that_come_one_after_the_other_hold_up_nothing():
    make_outgoing_webhook()
    webhook_walk.begin()
    message = make_message()
    happen(message)
    first, second = _Writer(message), _Writer(message)

    first.begin()
    assert walk() == 0
    second.begin()
    first.end()
    count = walk()
    second.end()

    assert count >= 1
    walk()
    assert len(told()) == 3


class _Writer:
    """A transaction that has written an event."""

    def __init__(self, message) -> None:
        self.message = message
        self.written, self.may_commit = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with transaction.atomic():
            happen(self.message)
            self.written.set()
            self.may_commit.wait(20)
        connection.close()

    def begin(self) -> None:
        self.thread.start()
        assert self.written.wait(20)

    def end(self) -> None:
        self.may_commit.set()
        self.thread.join()


def test_the_cursor_follows_also_where_nothing_is_wanted(webhook):
    type(webhook).objects.update(event_types=["campaign.finished"])
    last = happen(make_message())

    walk()

    assert WebhookCursor.objects.get().position == last.pk
