from __future__ import annotations

import pytest

from omnichannel.models import (
    Event,
    EventChannelSwitch,
    EventSubscription,
    EventTrigger,
    Message,
)
from tests.factories import make_provider
from tests.factories_api import caller
from tests.factories_events import make_event, make_routes, make_subscription, make_text

pytestmark = pytest.mark.django_db

EVENTS = "/api/v1/events/"
ONE = f"{EVENTS}order-placed/"
TRIGGER = f"{ONE}trigger/"
SUBSCRIPTIONS = "/api/v1/event-subscriptions/"
BULK = f"{SUBSCRIPTIONS}bulk/"
SWITCHES = "/api/v1/event-switches/"
SCHEMA = {"required": ["order_id"], "properties": {"order_id": {"type": "string"}}}
NEW = {
    "key": "order-placed",
    "name": "Order placed",
    "variables_schema": SCHEMA,
    "sample_data": {"order_id": "A-1"},
}


@pytest.fixture
def content():
    return caller("content")


@pytest.fixture
def shop():
    return caller("send")


@pytest.fixture
def event():
    """Subscribed on SMS, with a provider for everything."""
    make_routes()
    event = make_event(key="order-placed", group="Orders", variables_schema=SCHEMA)
    make_subscription(event, "sms", template=make_text("sms", text="{{ order_id }}").template)
    return event


def errors_of(answer):
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


def body(**values):
    recipient = {"phone": "+12025550143"}
    return {"recipient": recipient, "variables": {"order_id": "A-1"}, **values}


def test_an_event_is_made_read_changed_and_deleted_by_its_key(content):
    made = content.post(EVENTS, NEW)

    assert made.status_code == 201
    assert content.get(ONE).data["variables_schema"] == SCHEMA
    assert content.patch(ONE, {"name": "Placed"}).data["name"] == "Placed"
    assert content.put(ONE, {**NEW, "name": "New"}).data["name"] == "New"
    assert content.delete(ONE).status_code == 204
    assert content.get(ONE).status_code == 404


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"key": "Order placed"}, "key"),
        ({"key": "taken"}, "key"),
        ({"variables_schema": {"$ref": "https://example.com/"}}, "variables_schema"),
        ({"variables_schema": []}, "variables_schema"),
        ({"sample_data": {}}, "sample_data.order_id"),
        ({"category": "other"}, "category"),
    ],
)
def test_what_cannot_be_used_is_named(content, values, field):
    make_event(key="taken")

    answer = content.post(EVENTS, {**NEW, **values})

    assert answer.status_code == 400
    assert set(errors_of(answer)) == {field}


def test_a_schema_that_the_stored_sample_does_not_fit_is_refused(content):
    content.post(EVENTS, NEW)

    answer = content.patch(ONE, {"variables_schema": {"required": ["total"]}})

    assert set(errors_of(answer)) == {"sample_data.total"}


def test_the_key_stays(content):
    content.post(EVENTS, NEW)

    assert set(errors_of(content.patch(ONE, {"key": "other"}))) == {"key"}


def test_events_are_filtered_and_tell_what_they_send(content, event):
    make_event(group="Other")

    rows = content.get(f"{EVENTS}?group=Orders").data["results"]

    assert [row["key"] for row in rows] == ["order-placed"]
    assert [row["channel_type"] for row in rows[0]["subscriptions"]] == ["sms"]


def test_trigger_queues_a_message_and_tells_what_was_left_out(shop, event):
    answer = shop.post(TRIGGER, body(reference="A-1"))

    row, kept = Message.objects.get(), EventTrigger.objects.get()
    assert answer.status_code == 202
    assert answer.json() == {
        "event": "order-placed",
        "trigger": kept.pk,
        "is_repeat": False,
        "messages": [
            {
                "id": row.pk,
                "key": str(row.key),
                "channel_type": "sms",
                "to_address": "+12025550143",
                "status": "new",
            }
        ],
        "skipped": [
            {
                "channel_type": channel_type,
                "reason": "not_subscribed",
                "text": "The event is not subscribed on this channel.",
            }
            for channel_type in ("email", "push")
        ],
    }
    assert (kept.source, kept.reference) == ("api", "A-1")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"variables": {}}, "variables.order_id"),
        ({"variables": []}, "variables"),
        ({"recipient": {"phone": "12"}}, "recipient.phone"),
        ({"recipient": {"phone": 12}}, "recipient.phone"),
        ({"recipient": {"event": {}}}, "recipient.event"),
        ({"recipient": None}, "recipient"),
        ({"reference": "a" * 81}, "reference"),
        ({"dedupe_key": "a" * 256}, "dedupe_key"),
        ({"dedupe_key": "\0"}, "dedupe_key"),
        ({"priority": 5}, "priority"),
    ],
)
def test_what_is_wrong_with_a_trigger_is_named(shop, event, values, field):
    answer = shop.post(TRIGGER, body(**values))

    assert answer.status_code == 400
    assert set(errors_of(answer)) == {field}
    assert not Message.objects.exists()


def test_a_name_that_only_the_template_knows_is_told(shop, event):
    make_subscription(event, template=make_text(text="{{ first_name }}").template)
    recipient = {"email": "ana@example.com", "phone": "+12025550143"}

    answer = shop.post(TRIGGER, body(recipient=recipient))

    assert "first_name" in errors_of(answer)["templates.email"]
    assert not Message.objects.exists()


@pytest.mark.parametrize("key", ["never", "Order placed", "%00"])
def test_an_unknown_event_is_not_found(shop, key):
    assert shop.post(f"{EVENTS}{key}/trigger/", body()).status_code == 404


def test_the_same_call_is_answered_and_not_done_again(shop, event):
    first, again = (shop.post(TRIGGER, body(), HTTP_IDEMPOTENCY_KEY="a") for _ in range(2))

    assert first.json() == again.json()
    assert Message.objects.count() == 1


def test_the_same_dedupe_key_triggers_once(shop, event):
    first, again = (shop.post(TRIGGER, body(dedupe_key="A-1")).json() for _ in range(2))

    assert again == {**first, "is_repeat": True}
    assert Message.objects.count() == 1


def test_a_test_key_reaches_the_sandbox_only(event):
    EventSubscription.objects.update(provider=make_provider(backend="smpp", channel_type="sms"))

    caller("send", is_test=True).post(TRIGGER, body())

    assert Message.objects.get().provider.backend == "sandbox"


def test_a_test_does_not_count_for_the_real_thing(shop, event):
    caller("send", is_test=True).post(TRIGGER, body(dedupe_key="A-1"))

    assert shop.post(TRIGGER, body(dedupe_key="A-1")).json()["is_repeat"] is False


def test_triggering_needs_the_scope_to_send(content, event):
    assert content.post(TRIGGER, body()).status_code == 403


def test_subscriptions_are_changed_many_at_once(content, event):
    other = make_event(key="order-paid")
    text = make_text().template
    changes = [
        {"event": "order-paid", "channel_type": "email", "is_subscribed": True,
         "template": text.pk},
        {"event": "order-placed", "channel_type": "sms", "is_subscribed": False},
    ]  # fmt: skip

    answer = content.put(BULK, {"subscriptions": changes})

    assert answer.data["changed"] == 2
    assert other.subscriptions.get().template == text
    row = event.subscriptions.get()
    assert (row.is_subscribed, row.template is None) == (False, False)
    assert row.history.first().history_change_reason == f"API key {content.key}"


def test_what_is_wrong_with_one_subscription_saves_none(content, event):
    sms = make_text("sms").template
    changes = [
        {"event": "order-placed", "channel_type": "sms", "is_subscribed": False},
        {"event": "order-placed", "channel_type": "email", "template": sms.pk},
        {"event": "order-placed", "channel_type": "push", "is_subscribed": True},
    ]

    answer = content.put(BULK, {"subscriptions": changes})

    assert errors_of(answer) == {
        "subscriptions.1": "Choose a template for E-mail.",
        "subscriptions.2": "Choose a template, or switch it off.",
    }
    assert event.subscriptions.get().is_subscribed


def test_unknown_events_and_repetitions_are_named(content, event):
    one = {"event": "order-placed", "channel_type": "sms", "is_subscribed": False}

    answer = content.put(BULK, {"subscriptions": [one, one, {**one, "event": "never"}]})

    assert set(errors_of(answer)) == {"subscriptions.1", "subscriptions.2.event"}


def test_one_events_subscriptions_are_read_and_changed(content, event):
    provider = make_provider(channel_type="sms")
    change = {"channel_type": "sms", "provider": provider.pk}

    answer = content.put(f"{ONE}subscriptions/", {"subscriptions": [change]})

    assert answer.data["changed"] == 1
    assert [row["provider"] for row in content.get(f"{ONE}subscriptions/").data] == [provider.pk]


def test_subscriptions_are_filtered(content, event):
    make_subscription(make_event(key="order-paid"))

    def events(query):
        rows = content.get(f"{SUBSCRIPTIONS}?{query}").data["results"]
        return [row["event"] for row in rows]

    assert events("event=order-paid") == ["order-paid"]
    assert events("group=Orders") == ["order-placed"]
    assert events("channel_type=push") == []


def test_channels_are_switched_off_and_on(content):
    assert content.get(SWITCHES).data == {"email": True, "sms": True, "push": True}
    assert content.put(SWITCHES, {"sms": False}).data["sms"] is False
    assert EventChannelSwitch.objects.get().history.first().history_change_reason
    assert content.put(SWITCHES, {"sms": "no"}).status_code == 400


def test_a_list_of_events_asks_no_more_with_more_rows(content, django_assert_max_num_queries):
    for _ in range(12):
        make_subscription(make_event())

    with django_assert_max_num_queries(8):
        assert len(content.get(EVENTS).data["results"]) == Event.objects.count()
