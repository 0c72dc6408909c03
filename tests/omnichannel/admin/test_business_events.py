from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from omnichannel.models import Event, EventTrigger, Message
from tests.factories_events import make_event, make_routes, make_subscription, make_text
from tests.omnichannel.admin.posted import SUBMITTED, client_with, errors_of

pytestmark = pytest.mark.django_db

PAGE = "/admin/omnichannel/event/"
EDITOR = ("view_event", "add_event", "change_event", "delete_event")
SCHEMA = {"required": ["order_id"], "properties": {"order_id": {"type": "string"}}}


def data(**values):
    """The form of an event, filled in well."""
    given = {"variables_schema": SCHEMA, "sample_data": {"order_id": "A-1"}}
    given = {name: json.dumps(values.pop(name, value)) for name, value in given.items()}
    return {
        "key": "order-placed",
        "name": "Order placed",
        "group": "Orders",
        "category": "transactional",
        "is_active": "on",
        **given,
        **values,
    }


def test_an_event_is_added_changed_and_deleted():
    client = client_with(*EDITOR)

    client.post(f"{PAGE}add/", data())
    event = Event.objects.get(key="order-placed")
    client.post(f"{PAGE}{event.pk}/change/", data(name="Placed", key="other"))
    event.refresh_from_db()
    assert (event.name, event.key, event.variables_schema) == ("Placed", "order-placed", SCHEMA)

    client.post(f"{PAGE}{event.pk}/delete/", {"post": "yes"})
    assert not Event.objects.exists()


@pytest.mark.parametrize("key", ["Order placed", "-a", "a--b", "1a", "ä", "a" * 61, ""])
def test_an_unusable_key_is_refused(admin_client, key):
    assert "key" in errors_of(admin_client.post(f"{PAGE}add/", data(key=key)))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("variables_schema", {"$ref": "https://example.com/"}, "$ref"),
        ("variables_schema", [1], "object"),
        ("sample_data", {}, "order_id"),
        ("sample_data", {"order_id": float("nan")}, "finite"),
    ],
)
def test_a_schema_or_a_sample_that_cannot_be_used_is_told_at_its_field(
    admin_client, field, value, said
):
    answer = admin_client.post(f"{PAGE}add/", data(**{field: value}))

    assert said in errors_of(answer)[field]
    assert not Event.objects.exists()


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "a" * 200_001])
def test_what_is_no_json_is_refused(admin_client, text):
    answer = admin_client.post(f"{PAGE}add/", {**data(), "sample_data": text})

    assert "sample_data" in errors_of(answer)


def test_channels_are_saved_with_the_event(admin_client):
    template = make_text().template

    admin_client.post(f"{PAGE}add/", data(email_on="on", email_template=template.pk))

    row = Event.objects.get().subscriptions.get()
    assert (row.channel_type, row.is_subscribed, row.template) == ("email", True, template)


def test_a_channel_without_a_template_is_told_at_its_field(admin_client):
    answer = admin_client.post(f"{PAGE}add/", data(sms_on="on"))

    assert "template" in errors_of(answer)["sms_template"]


def test_who_may_not_change_subscriptions_leaves_them_as_they_are():
    event = make_event(key="order-placed")
    row = make_subscription(event)

    client_with(*EDITOR).post(f"{PAGE}{event.pk}/change/", data(email_template=""))

    row.refresh_from_db()
    assert row.is_subscribed
    assert row.template is not None


def test_a_name_that_the_event_does_not_have_is_warned_of(admin_client):
    event = make_event(key="order-placed")
    text = make_text(variables=["event.order_id", "event.coupon", "first_name"])
    make_subscription(event, template=text.template)

    values = data(email_on="on", email_template=text.template.pk)
    answer = admin_client.post(f"{PAGE}{event.pk}/change/", values, follow=True)

    page = answer.content.decode()
    assert "event.coupon: the event has no such variable" in page


def test_preview_shows_the_sample_data_in_the_template(admin_client):
    event = make_event(sample_data={"order_id": "A-1"})
    text = make_text(subject="Order {{ event.order_id }}", html="<p>{{ order_id }} {{ city }}</p>")
    text.template.sample_variables = {"order_id": "other", "city": "Lisbon"}
    text.template.save()
    address = f"{PAGE}{event.pk}/preview/{text.template.pk}/"

    page, body = admin_client.get(address), admin_client.get(f"{address}body/")

    assert "Order A-1" in page.content.decode()
    assert body.content.decode() == "<p>A-1 Lisbon</p>"
    assert body["Content-Security-Policy"].startswith("sandbox")


def test_preview_tells_what_is_missing(admin_client):
    event, text = make_event(), make_text(text="{{ event.total }}")

    page = admin_client.get(f"{PAGE}{event.pk}/preview/{text.template.pk}/").content.decode()

    assert "event.total" in page


def test_preview_needs_the_right_to_see_the_template():
    event, text = make_event(), make_text()
    address = f"{PAGE}{event.pk}/preview/{text.template.pk}/"

    assert client_with("view_event").get(address).status_code == 403


@pytest.fixture
def subscribed():
    make_routes()
    event = make_event(variables_schema=SCHEMA, sample_data={"order_id": "A-1"})
    version = make_text("sms", text="{{ event.order_id }} {{ city }}", variables=["city"])
    version.template.sample_variables = {"city": "Lisbon", "plan": "gold"}
    version.template.save()
    make_subscription(event, "sms", template=version.template)
    return event


def send(client, event, **values):
    given = {"phone": "+12025550143", "variables": '{"order_id": "A-2"}', "columns": "{}"}
    return client.post(f"{PAGE}{event.pk}/send_test/", {**SUBMITTED, **given, **values})


def test_the_dialog_starts_with_what_the_templates_need(admin_client, subscribed):
    page = admin_client.get(f"{PAGE}{subscribed.pk}/send_test/").content.decode()

    assert "A-1" in page
    assert "Lisbon" in page
    assert "gold" not in page


def test_a_test_event_queues_messages_and_links_to_them(admin_client, subscribed):
    answer = send(admin_client, subscribed, columns='{"city": "Porto"}').content.decode()

    message = Message.objects.get()
    assert f"/admin/omnichannel/message/{message.pk}/" in answer
    assert "E-mail: The event is not subscribed on this channel." in answer
    assert message.variables["event"] == {"order_id": "A-2"}
    assert EventTrigger.objects.get().source == "test"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"phone": ""}, "Enter an address."),
        ({"phone": "12"}, "is not a phone number"),
        ({"variables": "{}"}, "order_id: This variable is missing."),
        ({"variables": "[1]"}, "Write an object"),
        ({"columns": "{}"}, "city"),
        ({"columns": '{"event": 1}'}, "This name is taken"),
    ],
)
def test_what_is_wrong_is_told_in_the_dialog(admin_client, subscribed, values, said):
    values = {"columns": '{"city": "Porto"}', **values}

    assert said in send(admin_client, subscribed, **values).content.decode()
    assert not Message.objects.exists()


def test_triggering_needs_a_right_of_its_own(subscribed):
    assert send(client_with(*EDITOR), subscribed).status_code == 403
    assert not Message.objects.exists()


@pytest.mark.parametrize(("noun", "ceiling"), [("event", 9), ("eventtrigger", 8)])
def test_lists_ask_no_more_when_they_have_more_rows(admin_client, noun, ceiling):
    for number in range(12):
        event = make_event(group=f"Group {number % 3}")
        make_subscription(event)
        EventTrigger.objects.create(event=event, event_key=event.key, at=event.created_at)

    with CaptureQueriesContext(connection) as queries:
        admin_client.get(f"/admin/omnichannel/{noun}/")

    assert len(queries) <= ceiling


def test_the_list_is_filtered_by_group_and_channel(admin_client):
    one, two = make_event(group="Orders", name="One"), make_event(group="Other", name="Two")
    make_subscription(one, "sms")

    def names(query):
        return [row.name for row in admin_client.get(f"{PAGE}?{query}").context["cl"].result_list]

    assert names("group=Orders") == [one.name]
    assert names("subscribed=sms") == [one.name]
    assert names("subscribed=none") == [two.name]


def test_page_of_a_triggered_event_links_its_messages(admin_client):
    event = make_event()
    row = EventTrigger.objects.create(
        event=event,
        event_key=event.key,
        at=event.created_at,
        messages=[812],
        skipped=[["sms", "no_address", "None."]],
    )

    page = admin_client.get(f"/admin/omnichannel/eventtrigger/{row.pk}/change/").content.decode()

    assert 'href="/admin/omnichannel/message/812/change/"' in page
    assert "SMS: no address" in page


def test_an_event_that_sends_something_is_deleted_with_its_subscriptions():
    event = make_event()
    make_subscription(event, "sms")
    EventTrigger.objects.create(event=event, event_key=event.key, at=event.created_at)

    client_with(*EDITOR).post(f"{PAGE}{event.pk}/delete/", {"post": "yes"})

    assert not Event.objects.exists()
    assert EventTrigger.objects.get().event_key == event.key


def test_a_template_in_use_is_kept_and_its_events_are_named(admin_client):
    row = make_subscription(make_event(name="Order placed"), "sms")
    page = f"/admin/omnichannel/smstemplate/{row.template_id}/delete/"

    text = admin_client.get(page).content.decode()

    assert "Order placed" in text
    assert "have permission" not in text
