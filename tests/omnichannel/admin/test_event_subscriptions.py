from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from omnichannel.models import Event, EventChannelSwitch, EventSubscription
from tests.factories import make_provider
from tests.factories_events import make_event, make_subscription, make_text
from tests.omnichannel.admin.posted import client_with

pytestmark = pytest.mark.django_db

PAGE = "/admin/omnichannel/eventsubscription/"


def posted(client, **values):
    """What the browser sends for the page as it stands, with some of it changed."""
    page = client.get(PAGE)
    data = {}
    for _, rows in page.context["sections"]:
        for cell in [cell for _, cells in rows for cell in cells]:
            data[f"was-{cell.name}"] = cell.was
            data[f"template-{cell.name}"] = cell.template or ""
            if cell.is_on:
                data[f"on-{cell.name}"] = "on"
    for kind, _, is_on, _ in page.context["switches"]:
        data[f"was-switch-{kind}"] = "1" if is_on else "0"
        if is_on:
            data[f"switch-{kind}"] = "on"
    data.update({name.replace("_", "-"): value for name, value in values.items()})
    return {name: value for name, value in data.items() if value is not None}


@pytest.fixture
def event():
    return make_event(group="Orders", key="order-placed")


def states():
    rows = EventSubscription.objects.order_by("event", "channel_type")
    return list(rows.values_list("event__key", "channel_type", "is_subscribed", "template"))


def test_one_save_subscribes_changes_and_unsubscribes(admin_client, event):
    other = make_event(group="Orders", key="order-paid")
    row = make_subscription(other, "sms")
    text = make_text().template
    data = posted(admin_client)
    data |= {f"on-{event.pk}-email": "on", f"template-{event.pk}-email": text.pk}
    del data[f"on-{other.pk}-sms"]

    answer = admin_client.post(PAGE, data, follow=True)

    assert "2 changes saved." in answer.content.decode()
    assert states() == [
        ("order-placed", "email", True, text.pk),
        ("order-paid", "sms", False, row.template_id),
    ]


def test_only_changed_rows_are_written_and_have_a_history(admin_client, event):
    rows = [make_subscription(event, kind) for kind in ("email", "sms")]
    data = posted(admin_client)
    del data[f"on-{event.pk}-sms"]

    admin_client.post(PAGE, data)

    counts = [row.history.count() for row in rows]
    assert counts == [1, 2]
    newest = rows[1].history.first()
    assert (newest.is_subscribed, newest.history_user.username) == (False, "admin")


def test_what_another_operator_changed_meanwhile_is_not_taken_back(admin_client, event):
    other = make_event(group="Orders", key="order-paid")
    make_subscription(event)
    text = make_text().template
    data = posted(admin_client)
    EventSubscription.objects.update(is_subscribed=False)

    data |= {f"on-{other.pk}-email": "on", f"template-{other.pk}-email": text.pk}
    admin_client.post(PAGE, data)

    assert [row[2] for row in states()] == [False, True]


def test_a_switch_without_a_template_saves_nothing_and_says_where(admin_client, event):
    other = make_event(group="Orders", key="order-paid")
    row = make_subscription(other)
    data = posted(admin_client)
    data[f"on-{event.pk}-email"] = "on"
    del data[f"on-{other.pk}-email"]

    page = admin_client.post(PAGE, data)

    cells = [cell for _, rows in page.context["sections"] for _, cells in rows for cell in cells]
    assert {cell.name: cell.error for cell in cells if cell.error} == {
        f"{event.pk}-email": "Choose a template, or switch it off."
    }
    assert {cell.name for cell in cells if cell.is_on} == {f"{event.pk}-email"}
    row.refresh_from_db()
    assert row.is_subscribed


def test_a_refused_page_can_be_mended_and_saved(admin_client, event):
    data = posted(admin_client)
    data[f"on-{event.pk}-email"] = "on"
    del data["switch-email"]
    page = admin_client.post(PAGE, data)
    was = {kind: was for kind, _, _, was in page.context["switches"]}

    data[f"template-{event.pk}-email"] = make_text().template.pk
    admin_client.post(PAGE, data)

    assert was["email"] is True
    assert EventChannelSwitch.objects.get().is_on is False
    assert len(states()) == 1


@pytest.mark.parametrize("template", ["x", "9" * 30, "-1", "\u00b2"])
def test_a_template_that_is_none_is_refused(admin_client, event, template):
    data = posted(admin_client)
    data |= {f"on-{event.pk}-email": "on", f"template-{event.pk}-email": template}

    assert admin_client.post(PAGE, data).status_code == 200
    assert states() == []


def test_a_template_of_another_channel_is_refused(admin_client, event):
    data = posted(admin_client)
    data |= {
        f"on-{event.pk}-email": "on",
        f"template-{event.pk}-email": make_text("sms").template_id,
    }

    assert "Choose a template for E-mail." in admin_client.post(PAGE, data).content.decode()


def test_channels_are_switched_off_and_on_again(admin_client, event):
    data = posted(admin_client)
    del data["switch-sms"]
    admin_client.post(PAGE, data)
    first = EventChannelSwitch.objects.get(channel_type="sms").is_on

    data = posted(admin_client, switch_sms="on")
    admin_client.post(PAGE, data)

    assert (first, EventChannelSwitch.objects.get().is_on) == (False, True)
    assert EventChannelSwitch.history.count() == 2


def test_who_may_only_look_changes_nothing(event):
    make_subscription(event)
    client = client_with("view_eventsubscription")
    data = posted(client)
    del data[f"on-{event.pk}-email"]

    page = client.get(PAGE).content.decode()

    assert client.post(PAGE, data).status_code == 403
    assert states()[0][2] is True
    assert 'type="submit"' not in page.partition('class="event-form"')[2].partition("</form>")[0]


def test_a_row_shows_its_provider_and_the_names_that_the_event_lacks(admin_client, event):
    text = make_text(variables=["event.coupon"]).template
    make_subscription(event, template=text, provider=make_provider(name="Own gateway"))

    page = admin_client.get(PAGE).content.decode()

    assert "By Own gateway" in page
    assert "Uses event.coupon" in page


def test_the_page_asks_no_more_when_it_has_more_events(admin_client):
    for number in range(12):
        event = make_event(group="Orders", sub_group=f"Part {number % 2}")
        make_subscription(event, provider=make_provider())
        make_subscription(event, "sms")

    with CaptureQueriesContext(connection) as queries:
        admin_client.get(PAGE)

    assert len(queries) <= 13


def test_a_large_group_is_shown_in_pages_that_can_be_posted(admin_client):
    Event.objects.bulk_create(
        Event(key=f"e-{number}", name=f"E {number:03}", group="Orders") for number in range(200)
    )

    data = posted(admin_client)

    assert len(data) < 300
    assert admin_client.post(f"{PAGE}?page=2", data).status_code == 302


@pytest.mark.parametrize(
    "query", ["group=None", "group=%00", "page=x", "page=-1", "group=" + "a" * 999]
)
def test_odd_addresses_show_the_page(admin_client, event, query):
    assert admin_client.get(f"{PAGE}?{query}").status_code == 200


def test_without_events_the_page_says_what_to_do(admin_client):
    assert "Add the first one" in admin_client.get(PAGE).content.decode()
